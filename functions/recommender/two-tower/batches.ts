import type { Random } from '../random.ts';
import { addInput, addPull, addSegment, pullSegment, spreadPulls, type Embeddings } from './embeddings.ts';
import type { Examples } from './examples.ts';
import type { Batch, Gradients } from './net.ts';

/** One row in so many is learned from without its customer's segment: those who have none must be answered too. */
const WITHOUT_SEGMENT = 8;

/**
 * Some purchases, and by row what speaks for them: items of the same customer with their weights, row r's at
 * starts[r] … starts[r+1]-1, together as long for many as for few; and its segment, -1: none.
 */
export interface Rows {
  readonly purchases: Int32Array;
  readonly starts: Int32Array;
  readonly items: Int32Array;
  readonly weights: Float32Array;
  readonly segments: Int32Array;
}

/**
 * What speaks for `purchases`: all that their customers bought but the purchase itself and what is only watched. In learning
 * (`random` given) each of it only by a chance of `kept`, another part each time, so that no customer is learned by heart.
 */
export function chooseRows(
  { indptr, item, weight, customerOf, segment, isWatched }: Examples,
  purchases: Int32Array,
  learning: { readonly kept: number; readonly random: Random } | null,
): Rows {
  let most = 0;
  for (const p of purchases) most += indptr[customerOf[p]! + 1]! - indptr[customerOf[p]!]!;
  const starts = new Int32Array(purchases.length + 1);
  const [items, weights] = [new Int32Array(most), new Float32Array(most)];
  const segments = new Int32Array(purchases.length);
  let n = 0;
  purchases.forEach((purchase, row) => {
    const customer = customerOf[purchase]!;
    let squares = 0;
    for (let p = indptr[customer]!; p < indptr[customer + 1]!; p++) {
      if (p === purchase || isWatched[p] === 1) continue;
      if (learning !== null && learning.kept < 1 && learning.random() >= learning.kept) continue;
      items[n] = item[p]!;
      weights[n++] = weight[p]!;
      squares += weight[p]! ** 2;
    }
    for (let at = starts[row]!; at < n; at++) weights[at]! /= Math.sqrt(squares);
    starts[row + 1] = n;
    const without = learning !== null && row % WITHOUT_SEGMENT === WITHOUT_SEGMENT - 1;
    segments[row] = without ? -1 : segment[customer]!;
  });
  return { purchases, starts, items, weights, segments };
}

/**
 * Fills the batch with `rows`: the item of each purchase, and what speaks for it. `logQ`: an item is expected in a batch as
 * often as it is among the purchases that are learned from.
 */
export function fillBatch(examples: Examples, e: Embeddings, rows: Rows, batch: Batch): void {
  const width = 2 * e.width;
  batch.items.fill(0);
  rows.purchases.forEach((p, row) => {
    const item = examples.item[p]!;
    batch.ids[row] = item;
    batch.logQ[row] = Math.log((batch.size * Math.max(1, examples.sold[item]!)) / examples.learn.length);
    addInput(e, examples, item, 1, batch.items, row * width);
  });
  fillCustomers(examples, e, rows, batch.customers);
}

/** Writes what goes into the customers' tower for `rows`, rows × 2 · width. */
export function fillCustomers(
  examples: Examples,
  e: Embeddings,
  { starts, items, weights, segments }: Omit<Rows, 'purchases'>,
  into: Float32Array,
): void {
  const width = 2 * e.width;
  into.fill(0);
  segments.forEach((segment, row) => {
    for (let n = starts[row]!; n < starts[row + 1]!; n++)
      addInput(e, examples, items[n]!, weights[n]!, into, row * width);
    addSegment(e, examples, segment, into, row * width);
  });
}

/** Notes what the gradients of a filled batch pull on every row that went into it. */
export function pullBatch(examples: Examples, e: Embeddings, rows: Rows, gradients: Gradients): void {
  const width = 2 * e.width;
  const { starts, items, weights, segments } = rows;
  rows.purchases.forEach((p, row) => {
    addPull(e, examples, examples.item[p]!, 1, gradients.items, row * width);
    for (let n = starts[row]!; n < starts[row + 1]!; n++)
      addPull(e, examples, items[n]!, weights[n]!, gradients.customers, row * width);
    pullSegment(e, examples, segments[row]!, gradients.customers, row * width);
  });
  spreadPulls(e, examples);
}
