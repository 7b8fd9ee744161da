import { gaussian, type Random } from '../random.ts';
import type { Examples } from './examples.ts';

/** What goes into the towers, as it is learned: rows for items, then for their categories, each `width` long. */
export interface Embeddings {
  readonly width: number;
  /** (items + categories) × width. */
  readonly rows: Float32Array;
  /** Squares of former gradients by row (Adagrad). */
  readonly squares: Float32Array;
  /** Gradients of the step under way, and which rows have any. */
  readonly pulls: Float32Array;
  readonly touched: Int32Array;
  readonly isTouched: Uint8Array;
  count: number;
}

export function makeEmbeddings({ items, categories }: Examples, width: number, random: Random): Embeddings {
  const rows = items + categories;
  return {
    width,
    rows: Float32Array.from({ length: rows * width }, () => 0.05 * gaussian(random)),
    squares: new Float32Array(rows),
    pulls: new Float32Array(rows * width),
    touched: new Int32Array(rows),
    isTouched: new Uint8Array(rows),
    count: 0,
  };
}

/** Adds `weight` times an item's input, its own row and then its category's, to `into` at `at`: 2 × width numbers. */
export function addInput(
  { rows, width }: Embeddings,
  { items, category }: Pick<Examples, 'items' | 'category'>,
  item: number,
  weight: number,
  into: Float32Array,
  at: number,
): void {
  const own = item * width;
  for (let k = 0; k < width; k++) into[at + k]! += weight * rows[own + k]!;
  const kind = category[item]!;
  if (kind < 0) return;
  const row = (items + kind) * width;
  for (let k = 0; k < width; k++) into[at + width + k]! += weight * rows[row + k]!;
}

/** Notes what a gradient of an input, at `at` of `from`, pulls on an item's and its category's row. */
export function addPull(
  embeddings: Embeddings,
  { items, category }: Pick<Examples, 'items' | 'category'>,
  item: number,
  weight: number,
  from: Float32Array,
  at: number,
): void {
  const { width } = embeddings;
  pullRow(embeddings, item, weight, from, at);
  const kind = category[item]!;
  if (kind >= 0) pullRow(embeddings, items + kind, weight, from, at + width);
}

function pullRow(e: Embeddings, row: number, weight: number, from: Float32Array, at: number): void {
  if (e.isTouched[row] === 0) {
    e.isTouched[row] = 1;
    e.touched[e.count++] = row;
  }
  for (let k = 0, to = row * e.width; k < e.width; k++) e.pulls[to + k]! += weight * from[at + k]!;
}

/** Moves the touched rows against their pulls, each by its own pace (Adagrad, one number per row), and forgets the pulls. */
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
}
