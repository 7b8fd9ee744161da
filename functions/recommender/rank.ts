import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { addBit, bitsWhere, hasBit, keepBits, makeBits, removeBit, type Bits } from './bits.ts';
import { topOf } from './candidates.ts';
import type { History, Profile } from './data.ts';

/**
 * From scores to a list: the one path that evaluation, the offline lists and the service share, so that they cannot
 * drift apart.
 */
export interface Ranked {
  readonly item: number;
  readonly score: number;
  /**
   * `popularity`: the model had nothing more to say and popular items fill the list; their score is 0. `pinned`: the request
   * put it there.
   */
  readonly from: 'model' | 'popularity' | 'pinned';
}

/** What a ranking may look at besides the model. */
export interface Shelf {
  readonly items: number;
  /** Items by falling number of buyers (then ascending id), those never sold left out. */
  readonly popular: Int32Array;
  /** Items that may be offered to those who never bought them. */
  readonly discoverable: Bits;
  /** Room for the items that a ranking may list. */
  readonly allowed: Bits;
  /** Room for every item's score. */
  readonly scores: Float32Array;
}

/** The shelf of a history; items with fewer than `minBuyers` buyers are not discoverable. */
export function makeShelf(history: Pick<History, 'items' | 'buyers'>, minBuyers: number): Shelf {
  const { items, buyers } = history;
  const popular = Int32Array.from({ length: items }, (_, item) => item)
    .filter((item) => buyers[item]! > 0)
    .sort((a, b) => buyers[b]! - buyers[a]! || a - b);
  return {
    items,
    popular,
    discoverable: bitsWhere(items, (item) => buyers[item]! > 0 && buyers[item]! >= minBuyers),
    allowed: makeBits(items),
    scores: new Float32Array(items),
  };
}

export interface RankOptions {
  readonly slot: SlotName;
  readonly k: number;
  /** Dense ids never to be listed. */
  readonly exclude?: ReadonlySet<number>;
  /** Nothing else may be listed. */
  readonly only?: ReadonlySet<number>;
  /** Nothing else may be listed either: a filter by attributes. */
  readonly within?: Bits;
  /** Discover only: may items of the profile be listed? Default false. */
  readonly includeBought?: boolean;
  /** A factor ≥ 0 per item, by which scores are multiplied before they are compared. */
  readonly weights?: Float32Array;
}

/**
 * The first `k` items for `profile`, best first; equal scores by ascending id, so a list is the same everywhere.
 * Re-order lists hold only bought items; discover lists only others, filled up with popular ones where the model has no
 * opinion (score ≤ 0). Filters apply before anything is ranked, so they never make a list shorter than it must be.
 */
export function rank(
  model: Pick<Model, 'score' | 'vectors'>,
  profile: Profile,
  shelf: Shelf,
  options: RankOptions,
): Ranked[] {
  const { k, weights } = options;
  const allowed = allow(profile, shelf, options);
  const list = topOf(model, profile, k, allowed, shelf.scores, weights);
  const ranked: Ranked[] = list.map(({ item, score }) => ({ item, score, from: 'model' }));
  return fillUp(ranked, shelf, k, allowed);
}

/** `rank` for each of `profiles`, scored together where the model can: the same lists but for rounding. */
export function rankMany(
  model: Model,
  profiles: readonly Profile[],
  shelf: Shelf,
  options: RankOptions,
): Ranked[][] {
  if (model.scoreMany === undefined || model.vectors !== undefined)
    return profiles.map((profile) => rank(model, profile, shelf, options));
  const rows = new Float32Array(profiles.length * shelf.items);
  model.scoreMany(profiles, rows);
  return profiles.map((profile, n) => {
    const row = rows.subarray(n * shelf.items, (n + 1) * shelf.items);
    return rank({ score: (_, scores) => scores.set(row) }, profile, shelf, options);
  });
}

/** Items that were ranked elsewhere and then, as `rank` does, the popular ones that may be listed. */
export function fillList(
  items: readonly number[],
  profile: Profile,
  shelf: Shelf,
  options: RankOptions,
): readonly number[] {
  if (items.length >= options.k) return items;
  const ranked = items.map((item): Ranked => ({ item, score: 0, from: 'model' }));
  return fillUp(ranked, shelf, options.k, allow(profile, shelf, options)).map(({ item }) => item);
}

/** `ranked` and then the popular items of `allowed` that it lacks, up to `k` in all. */
export function fillUp(ranked: Ranked[], shelf: Shelf, k: number, allowed: Bits): Ranked[] {
  if (ranked.length >= k) return ranked;
  const listed = new Set(ranked.map(({ item }) => item));
  for (const item of shelf.popular) {
    if (ranked.length >= k) break;
    if (hasBit(allowed, item) && !listed.has(item)) ranked.push({ item, score: 0, from: 'popularity' });
  }
  return ranked;
}

/** What may be listed; in the shelf's own room, which the next ranking writes anew. */
function allow(profile: Profile, shelf: Shelf, options: RankOptions): Bits {
  const { slot, exclude, only, within, includeBought = false } = options;
  const { allowed, discoverable } = shelf;
  if (slot === 'reorder') {
    allowed.fill(0);
    for (const item of profile.items) addBit(allowed, item);
  } else {
    allowed.set(discoverable);
    if (!includeBought) for (const item of profile.items) removeBit(allowed, item);
  }
  if (only) keepOnly(allowed, only);
  if (within) keepBits(allowed, within);
  if (exclude) for (const item of exclude) removeBit(allowed, item);
  return allowed;
}

function keepOnly(allowed: Bits, only: ReadonlySet<number>): void {
  const kept = [...only].filter((item) => hasBit(allowed, item));
  allowed.fill(0);
  for (const item of kept) addBit(allowed, item);
}
