import { gaussian, type Random } from '../random.ts';
import type { Examples } from './examples.ts';

/**
 * What goes into the towers, as it is learned: rows for items, then for their features, then for customers' segments, each
 * `width` long. An item's input are its own row and, beside it, the sum of its features' rows: 2 × width numbers. A customer's
 * is the sum of what it bought, and its segment's row in the second half.
 */
export interface Embeddings {
  readonly width: number;
  /** (items + features + segments) × width. */
  readonly rows: Float32Array;
  /** Squares of former gradients by row (Adagrad). */
  readonly squares: Float32Array;
  /** Gradients of the step under way, and which rows have any. */
  readonly pulls: Float32Array;
  readonly touched: Int32Array;
  readonly isTouched: Uint8Array;
  count: number;
  /** Items × width: the sums of features' rows, of an item as they were at the step `summedAt`; and their gradients. */
  readonly sums: Float32Array;
  readonly sumPulls: Float32Array;
  readonly summedAt: Int32Array;
  step: number;
}

type Sides = Pick<Examples, 'items' | 'features' | 'segments'>;

export function makeEmbeddings(
  { items, features, segments }: Sides,
  width: number,
  random: Random,
): Embeddings {
  const rows = items + features.size + segments;
  return {
    width,
    rows: Float32Array.from({ length: rows * width }, () => 0.05 * gaussian(random)),
    squares: new Float32Array(rows),
    pulls: new Float32Array(rows * width),
    touched: new Int32Array(rows),
    isTouched: new Uint8Array(rows),
    count: 0,
    sums: new Float32Array(items * width),
    sumPulls: new Float32Array(items * width),
    summedAt: new Int32Array(items),
    step: 1,
  };
}

/** Adds `weight` times an item's input to `into` at `at`: 2 × width numbers. */
export function addInput(
  e: Embeddings,
  { features }: Pick<Examples, 'features'>,
  item: number,
  weight: number,
  into: Float32Array,
  at: number,
): void {
  const { rows, sums, width } = e;
  const own = item * width;
  for (let k = 0; k < width; k++) into[at + k]! += weight * rows[own + k]!;
  if (features.indptr[item] === features.indptr[item + 1]) return;
  if (e.summedAt[item] !== e.step) sumFeatures(e, features, item);
  for (let k = 0; k < width; k++) into[at + width + k]! += weight * sums[own + k]!;
}

/** An item's features are added up once a step, however many customers bought it. */
function sumFeatures(e: Embeddings, features: Examples['features'], item: number): void {
  const { rows, sums, width, summedAt } = e;
  const to = item * width;
  const first = summedAt.length * width;
  sums.fill(0, to, to + width);
  for (let p = features.indptr[item]!; p < features.indptr[item + 1]!; p++) {
    const value = features.value[p]!;
    for (let k = 0, row = first + features.place[p]! * width; k < width; k++)
      sums[to + k]! += value * rows[row + k]!;
  }
  summedAt[item] = e.step;
}

/** Adds the row of a segment to the second half of a customer's input; nothing for -1. */
export function addSegment(
  { rows, width }: Pick<Embeddings, 'rows' | 'width'>,
  { items, features }: Pick<Examples, 'items' | 'features'>,
  segment: number,
  into: Float32Array,
  at: number,
): void {
  if (segment < 0) return;
  const row = (items + features.size + segment) * width;
  for (let k = 0; k < width; k++) into[at + width + k]! += rows[row + k]!;
}

/** Notes what a gradient of an input, at `at` of `from`, pulls on an item's row and on its features'. */
export function addPull(
  e: Embeddings,
  { features }: Pick<Examples, 'features'>,
  item: number,
  weight: number,
  from: Float32Array,
  at: number,
): void {
  const { sumPulls, width } = e;
  pullRow(e, item, weight, from, at);
  if (features.indptr[item] === features.indptr[item + 1]) return;
  for (let k = 0, to = item * width; k < width; k++) sumPulls[to + k]! += weight * from[at + width + k]!;
}

/** The same on a segment's row. */
export function pullSegment(
  e: Embeddings,
  { items, features }: Pick<Examples, 'items' | 'features'>,
  segment: number,
  from: Float32Array,
  at: number,
): void {
  if (segment >= 0) pullRow(e, items + features.size + segment, 1, from, at + e.width);
}

function pullRow(e: Embeddings, row: number, weight: number, from: Float32Array, at: number): void {
  if (e.isTouched[row] === 0) {
    e.isTouched[row] = 1;
    e.touched[e.count++] = row;
  }
  for (let k = 0, to = row * e.width; k < e.width; k++) e.pulls[to + k]! += weight * from[at + k]!;
}

/** Hands the gradients of the touched items' sums on to the features they are made of. */
export function spreadPulls(e: Embeddings, { items, features }: Pick<Examples, 'items' | 'features'>): void {
  for (let n = 0, until = e.count; n < until; n++) {
    const item = e.touched[n]!;
    if (item >= items || features.indptr[item] === features.indptr[item + 1]) continue;
    const from = item * e.width;
    for (let p = features.indptr[item]!; p < features.indptr[item + 1]!; p++)
      pullRow(e, items + features.place[p]!, features.value[p]!, e.sumPulls, from);
    e.sumPulls.fill(0, from, from + e.width);
  }
}

/**
 * Moves the touched rows against their pulls, each by its own pace (Adagrad, one number per row), and forgets the pulls; call
 * `spreadPulls` before. A new step begins.
 */
export function moveRows(e: Embeddings, pace: number, scale: number): void {
  for (let n = 0; n < e.count; n++) {
    const row = e.touched[n]!;
    const from = row * e.width;
    let squares = 0;
    for (let k = 0; k < e.width; k++) squares += (scale * e.pulls[from + k]!) ** 2;
    e.squares[row]! += squares / e.width;
    const by = (pace * scale) / Math.sqrt(e.squares[row]! + 1e-10);
    for (let k = 0; k < e.width; k++) {
      e.rows[from + k]! -= by * e.pulls[from + k]!;
      e.pulls[from + k] = 0;
    }
    e.isTouched[row] = 0;
  }
  e.count = 0;
  e.step++;
}
