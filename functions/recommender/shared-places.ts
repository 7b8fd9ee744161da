import type { Ranked } from './rank.ts';

/**
 * Two rankings as one: every place for which `share` has grown by a whole place goes to `discover`, the others to `again`;
 * where one of them ends the other goes on. Scores become shares of the best of their own ranking, for those of two models
 * cannot be compared.
 */
export function sharePlaces(
  again: readonly Ranked[],
  discover: readonly Ranked[],
  share: number,
  k: number,
): Ranked[] {
  const left = { again: relative(again), discover: relative(discover) };
  const blended: Ranked[] = [];
  while (blended.length < k) {
    const place = blended.length;
    // A hair more, so that a share of 0.1 counts ten tenths as one.
    const grown = Math.floor((place + 1) * share + 1e-9) > Math.floor(place * share + 1e-9);
    const order = grown ? [left.discover, left.again] : [left.again, left.discover];
    const next = order[0]!.shift() ?? order[1]!.shift();
    if (next === undefined) break;
    blended.push(next);
  }
  return blended;
}

/** The same with scores as shares of `best`, by default the list's own. */
export function relative(
  list: readonly Ranked[],
  best = list.reduce((most, { score }) => Math.max(most, score), 0),
): Ranked[] {
  return best > 0 ? list.map((one) => ({ ...one, score: one.score / best })) : [...list];
}
