import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import type { History, Profile } from './data.ts';

/**
 * From scores to a list: the one path that evaluation, the offline lists and the service share, so that they cannot
 * drift apart.
 */
export interface Ranked {
  readonly item: number;
  readonly score: number;
  /** `popularity`: the model had nothing more to say and popular items fill the list; their score is 0. */
  readonly from: 'model' | 'popularity';
}

/** What a ranking may look at besides the model. */
export interface Shelf {
  readonly items: number;
  /** Items by falling number of buyers (then ascending id), those never sold left out. */
  readonly popular: Int32Array;
  /** 1 for items that may be offered to those who never bought them. */
  readonly discoverable: Uint8Array;
  /** 1 while ranking for items the profile holds; cleared after each ranking. */
  readonly bought: Uint8Array;
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
    discoverable: Uint8Array.from(buyers, (n) => (n > 0 && n >= minBuyers ? 1 : 0)),
    bought: new Uint8Array(items),
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
  /** Discover only: may items of the profile be listed? Default false. */
  readonly includeBought?: boolean;
}

/**
 * The first `k` items for `profile`, best first; equal scores by ascending id, so a list is the same everywhere.
 * Re-order lists hold only bought items; discover lists only others, filled up with popular ones where the model has no
 * opinion (score ≤ 0).
 */
export function rank(model: Model, profile: Profile, shelf: Shelf, options: RankOptions): Ranked[] {
  const { slot, k, exclude, only, includeBought = false } = options;
  const { bought, scores, discoverable } = shelf;
  model.score(profile, scores);
  for (const item of profile.items) bought[item] = 1;
  const allowed = (item: number) =>
    (slot === 'reorder'
      ? bought[item] === 1
      : discoverable[item] === 1 && (includeBought || bought[item] === 0)) &&
    !exclude?.has(item) &&
    (only === undefined || only.has(item));
  const candidates = slot === 'reorder' ? profile.items : undefined;
  const list = selectTop(scores, k, allowed, candidates);
  const ranked: Ranked[] = list.map((item) => ({ item, score: scores[item]!, from: 'model' }));
  if (ranked.length < k) {
    const listed = new Set(list);
    for (const item of shelf.popular) {
      if (ranked.length >= k) break;
      if (!listed.has(item) && allowed(item)) ranked.push({ item, score: 0, from: 'popularity' });
    }
  }
  for (const item of profile.items) bought[item] = 0;
  return ranked;
}

/** The `k` allowed items of highest positive score, best first, equal scores by ascending id. Candidates ascend; default: all. */
export function selectTop(
  scores: Float32Array,
  k: number,
  allowed: (item: number) => boolean,
  candidates?: Int32Array,
): number[] {
  const top: number[] = [];
  const length = candidates?.length ?? scores.length;
  let threshold = 0;
  for (let n = 0; n < length; n++) {
    const item = candidates === undefined ? n : candidates[n]!;
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
