import type { Model, Vectors } from './algorithm.ts';
import { hasBit, type Bits } from './bits.ts';
import type { Profile } from './data.ts';
import { makeScanIndex, topByScores, type ScanIndex, type Scored } from './kernels/scan.ts';

/** Where few items may be listed, scoring each is quicker than a pass over all; both give the same list. */
const FEW = 3000;
/** Indexes in memory at a time: the models of a version; of those tried in training the last ones. */
const KEPT = 4;
const indexes: ScanIndex[] = [];

/** The index over the factors of `vectors`, made at first use; a later one of other factors may take its place. */
export function scanIndexOf({ factors, d }: Pick<Vectors, 'factors' | 'd'>): ScanIndex {
  const at = indexes.findIndex((known) => known.factors === factors);
  const index = at < 0 ? makeScanIndex(factors, d) : indexes.splice(at, 1)[0]!;
  indexes.unshift(index);
  indexes.length = Math.min(indexes.length, KEPT);
  return index;
}

/**
 * The `k` allowed items of highest positive score, best first, equal scores by ascending id: by a scan where the model's
 * scores are inner products, else from its `score`.
 * @param scores room for every item's score
 * @param weights a factor ≥ 0 per item, by which scores are multiplied before they are compared
 */
export function topOf(
  model: Pick<Model, 'score' | 'vectors'>,
  profile: Profile,
  k: number,
  allowed: Bits,
  scores: Float32Array,
  weights?: Float32Array,
): Scored[] {
  if (model.vectors === undefined) {
    model.score(profile, scores);
    if (weights) for (let item = 0; item < scores.length; item++) scores[item]! *= weights[item]!;
    return selectTop(scores, k, (item) => hasBit(allowed, item)).map((item) => ({
      item,
      score: scores[item]!,
    }));
  }
  const { vectors } = model;
  const query = vectors.query(profile);
  return isMoreThan(allowed, FEW)
    ? scanIndexOf(vectors).top(query, k, allowed, weights)
    : topByScores(vectors.factors, query, k, allowed, weights);
}

function isMoreThan(bits: Bits, count: number): boolean {
  let left = count;
  for (let word = 0; word < bits.length && left >= 0; word++)
    for (let rest = bits[word]!; rest !== 0; rest &= rest - 1) left--;
  return left < 0;
}

/** The `k` allowed items of highest positive score, best first, equal scores by ascending id. */
export function selectTop(scores: Float32Array, k: number, allowed: (item: number) => boolean): number[] {
  const top: number[] = [];
  if (k === 0) return top;
  let threshold = 0;
  for (let item = 0; item < scores.length; item++) {
    const score = scores[item]!;
    // NaN fails this too. Ascending ids and a strict comparison keep the smaller id on ties.
    if (!(score > threshold) || !allowed(item)) continue;
    let at = top.length < k ? top.length : k - 1;
    while (at > 0 && scores[top[at - 1]!]! < score) {
      top[at] = top[at - 1]!;
      at--;
    }
    top[at] = item;
    if (top.length === k) threshold = scores[top[k - 1]!]!;
  }
  return top;
}
