import type { Model } from './algorithm.ts';
import { entryOf, type ItemItemModel } from './item-item.ts';

/** How alike two items are, 0 … 1. */
export type Likeness = (a: number, b: number) => number;

/**
 * The cosine of two items' factors where the model has any, cut at 0; else the neighbours' weight between them, as a share of
 * the larger of their strongest.
 */
export function likenessOf(model: Model, neighbours: ItemItemModel): Likeness {
  const { vectors } = model;
  if (vectors === undefined) return (a, b) => neighbourly(neighbours, a, b);
  const { factors, d } = vectors;
  return (a, b) => {
    let product = 0;
    let lengthA = 0;
    let lengthB = 0;
    for (let k = 0, p = a * d, q = b * d; k < d; k++, p++, q++) {
      product += factors[p]! * factors[q]!;
      lengthA += factors[p]! ** 2;
      lengthB += factors[q]! ** 2;
    }
    return product <= 0 ? 0 : Math.min(1, product / Math.sqrt(lengthA * lengthB));
  };
}

function neighbourly({ matrix }: ItemItemModel, a: number, b: number): number {
  const strongest = Math.max(strongestOf(matrix, a), strongestOf(matrix, b));
  if (strongest <= 0) return 0;
  return Math.min(1, Math.max(0, entryOf(matrix, a, b), entryOf(matrix, b, a)) / strongest);
}

function strongestOf({ indptr, weight }: ItemItemModel['matrix'], row: number): number {
  let most = 0;
  for (let p = indptr[row]!; p < indptr[row + 1]!; p++) if (weight[p]! > most) most = weight[p]!;
  return most;
}
