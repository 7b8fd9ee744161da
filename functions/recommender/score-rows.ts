import type { Model } from './algorithm.ts';
import type { Profile } from './data.ts';

/** Profiles that are scored together: what a pass over a model brings into the cache serves all of them. */
export const ROWS = 64;

/** The scores of many profiles, row n of `scores` (as long as there are items) those of profile n; together where `model` can. */
export function scoreRows(
  model: Pick<Model, 'score' | 'scoreMany'>,
  profiles: readonly Profile[],
  scores: Float32Array,
): void {
  if (model.scoreMany !== undefined) {
    model.scoreMany(profiles, scores);
    return;
  }
  const items = scores.length / Math.max(1, profiles.length);
  profiles.forEach((profile, n) => model.score(profile, scores.subarray(n * items, (n + 1) * items)));
}
