import type { SectionReader, SectionWriter } from './artifact.ts';
import { recencyWeight, type Profile, type Sparse } from './data.ts';
import type { Model } from './algorithm.ts';
import { requireLength, requireRows } from './shape.ts';
import { z } from 'zod';

/** A model that is a sparse item × item matrix: a profile's score is the weighted sum of its items' rows. */
export interface ItemItemModel extends Model {
  readonly matrix: Sparse;
  readonly asOf: number;
}

/** Scores from `matrix`; a purchase counts by its age where a half-life is given. `asOf` in days since 1970. */
export function itemItemModel(matrix: Sparse, halfLifeDays: number | null, asOf: number): ItemItemModel {
  return {
    matrix,
    asOf,
    score: (profile: Profile, scores: Float32Array) => {
      scores.fill(0);
      for (let n = 0; n < profile.items.length; n++) {
        const row = profile.items[n]!;
        const w = recencyWeight(asOf - profile.last[n]!, halfLifeDays);
        for (let p = matrix.indptr[row]!; p < matrix.indptr[row + 1]!; p++)
          scores[matrix.index[p]!]! += w * matrix.weight[p]!;
      }
    },
    similar: (item, scores) => {
      scores.fill(0);
      for (let p = matrix.indptr[item] ?? 0; p < (matrix.indptr[item + 1] ?? 0); p++)
        scores[matrix.index[p]!] = matrix.weight[p]!;
      scores[item] = 0;
    },
    contributions: (profile, item) =>
      Float32Array.from(
        profile.items,
        (other, n) => entryOf(matrix, other, item) * recencyWeight(asOf - profile.last[n]!, halfLifeDays),
      ),
    save: (writer: SectionWriter) => {
      writer.array('indptr', matrix.indptr);
      writer.array('index', matrix.index);
      writer.array('weight', matrix.weight);
      writer.value('shape', { halfLifeDays, asOf });
    },
  };
}

/** One entry of a sparse matrix by binary search; 0 where it has none. */
export function entryOf(matrix: Sparse, row: number, column: number): number {
  let low = matrix.indptr[row]!;
  let high = matrix.indptr[row + 1]! - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = matrix.index[middle]!;
    if (found === column) return matrix.weight[middle]!;
    if (found < column) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

/** `model` as the item-item model it is; a TypeError where the caller mixed models up. */
export function requireItemItem(model: Model): ItemItemModel {
  const { matrix, asOf }: Model & Partial<ItemItemModel> = model;
  if (matrix === undefined || asOf === undefined) throw new TypeError('this model is no item × item matrix');
  return { ...model, matrix, asOf };
}

/** The same matrix with another half-life, where no other option differs; else null. */
export async function refitItemItem<T extends { halfLifeDays: number | null }>(
  fitted: Model,
  former: T,
  options: T,
): Promise<Model | null> {
  if (
    JSON.stringify({ ...former, halfLifeDays: null }) !== JSON.stringify({ ...options, halfLifeDays: null })
  )
    return null;
  const { matrix, asOf } = requireItemItem(fitted);
  return itemItemModel(matrix, options.halfLifeDays, asOf);
}

const Shape = z.object({ halfLifeDays: z.number().nullable(), asOf: z.number() });

/** What `save` wrote, for `items` items; TerminalError `artifact-damaged` where the matrix is none of items × items. */
export function loadItemItem(reader: SectionReader, items: number): ItemItemModel {
  const { halfLifeDays, asOf } = reader.value('shape', Shape);
  const matrix = {
    rows: items,
    columns: items,
    indptr: reader.i32('indptr'),
    index: reader.i32('index'),
    weight: reader.f32('weight'),
  };
  requireRows('the item × item matrix', matrix, items, items);
  requireLength('the item × item matrix, its weights', matrix.weight, matrix.index.length);
  return itemItemModel(matrix, halfLifeDays, asOf);
}

/** Collects rows of a sparse matrix, each cut to its `keep` largest weights (by size, sign kept), index ascending. */
export function makeRowCollector(items: number, keep: number) {
  const indptr = new Int32Array(items + 1);
  let index = new Int32Array(1024);
  let weight = new Float32Array(1024);
  let length = 0;
  let row = 0;
  const magnitudes = new Float32Array(items);
  return {
    /** The next row: entries `columns[0 … count)` with `values[column]`. */
    add(columns: Int32Array, count: number, values: Float32Array): void {
      let least = 0;
      if (count > keep) {
        for (let n = 0; n < count; n++) magnitudes[n] = Math.abs(values[columns[n]!]!);
        least = nthSmallest(magnitudes, count, count - keep);
      }
      if (length + count > index.length) {
        const room = Math.max(index.length * 2, length + count);
        index = grown(index, new Int32Array(room));
        weight = grown(weight, new Float32Array(room));
      }
      const start = length;
      for (let n = 0; n < count; n++) {
        const column = columns[n]!;
        const value = values[column]!;
        // Ties at the cut may keep a few entries more: cheaper than choosing, and the same on every machine.
        if (value !== 0 && Math.abs(value) >= least) index[length++] = column;
      }
      index.subarray(start, length).sort();
      for (let p = start; p < length; p++) weight[p] = values[index[p]!]!;
      indptr[++row] = length;
    },
    matrix: (): Sparse => ({
      rows: items,
      columns: items,
      indptr,
      index: index.slice(0, length),
      weight: weight.slice(0, length),
    }),
  };
}

/** The n-th smallest (from 0) of the first `count` values, which are reordered: quickselect, O(count) on average. */
function nthSmallest(values: Float32Array, count: number, n: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i <= j) {
        const swap = values[i]!;
        values[i++] = values[j]!;
        values[j--] = swap;
      }
    }
    if (n <= j) high = j;
    else if (n >= i) low = i;
    else return values[n]!;
  }
  return values[n]!;
}

function grown<T extends Int32Array | Float32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
