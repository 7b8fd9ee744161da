import { addBit, bitsWhere, dropBits, joinBits, keepBits, makeBits, removeBit, type Bits } from './bits.ts';
import type { Likeness } from './alike.ts';
import type { Ranked, RankOptions } from './rank.ts';

/** What a list should be beyond its ranking; see core/api/selection.ts for the words. */
export interface Selection extends RankOptions {
  /** Listed only after everything else. */
  readonly bury?: Bits;
  /** Items by their exact place, from 0. */
  readonly pin?: ReadonlyMap<number, number>;
  /** At most so many items of one group; -1: no group. */
  readonly caps?: readonly Cap[];
  /** 0 … 1; see `diversify`. */
  readonly diversity?: number;
  /** What `diversify` weighs against likeness: scores, or where they cannot be compared the places of the ranking. */
  readonly relevance?: 'score' | 'place';
}

export interface Cap {
  /** Group number per item; -1 for none. */
  readonly group: Int32Array;
  readonly atMost: number;
}

/** How much longer than the list the choice for it is, where not simply the best are taken. */
const CHOICE = { times: 5, least: 100 };

/**
 * A list of `k` items from a ranking that may be asked for any length, filters and weights included: pinned items in their
 * places, between them the best that the caps allow, made diverse, and what is buried at the end. Shorter only where no more
 * items are allowed, or the caps allow no more.
 * @param rankBy gives the first items of the ranking for these options
 */
export function select(
  rankBy: (options: RankOptions) => Ranked[],
  options: Selection,
  items: number,
  likeness: Likeness,
): Ranked[] {
  const { bury, pin, caps = [], diversity = 0, relevance = 'score', ...ranking } = options;
  const pins = [...(pin ?? [])].filter(([place]) => place < options.k).sort(([a], [b]) => a - b);
  const exclude = new Set([...(ranking.exclude ?? []), ...pins.map(([, item]) => item)]);
  const counts = caps.map(() => new Map<number, number>());
  const pinned = pins.map(([, item]) => item);
  admitAll(pinned, caps, counts);
  const choose = (k: number, within: Bits | undefined): Ranked[] => {
    const rankFirst: RankFirst = (length, among) =>
      rankBy({ ...ranking, exclude, k: length, ...(among ? { within: among } : {}) });
    if (k <= 0) return [];
    if (caps.length === 0 && diversity === 0) return rankFirst(k, within);
    const pick: Pick = (pool) => {
      // Each try begins with what was there before it.
      const tried = counts.map((count) => new Map(count));
      if (diversity > 0) {
        const some = thinned(pool, k, caps, counts);
        return { chosen: diversify(some, k, diversity, relevance, likeness, caps, tried), tried };
      }
      const chosen: Ranked[] = [];
      for (const one of pool) if (chosen.length < k && admits(one.item, caps, tried)) chosen.push(one);
      return { chosen, tried };
    };
    const merged = relevance === 'place';
    const choice = diversity > 0 ? CHOICE.times : 1;
    const { chosen, tried } = chooseFrom(rankFirst, { k, items, within, merged, choice }, caps, pick);
    tried.forEach((count, n) => (counts[n] = count));
    return chosen;
  };
  const free = options.k - pins.length;
  const list = bury ? choose(free, apart(ranking.within, bury, items, false)) : choose(free, ranking.within);
  if (bury && list.length < free)
    list.push(...choose(free - list.length, apart(ranking.within, bury, items, true)));
  for (const [place, item] of pins)
    list.splice(Math.min(place, list.length), 0, { item, score: 0, from: 'pinned' });
  return list;
}

type Counts = Map<number, number>[];

/** The first so many of the ranking, of the items among these where any are given. */
type RankFirst = (length: number, within: Bits | undefined) => Ranked[];
/** The list that a pool allows, and the places that are taken with it. */
type Pick = (pool: Ranked[]) => { readonly chosen: Ranked[]; readonly tried: Counts };

interface Ask {
  readonly k: number;
  readonly items: number;
  readonly within: Bits | undefined;
  /** Whether the ranking is merged of two. */
  readonly merged: boolean;
  /** How many times what a cap has room for is to be chosen from. */
  readonly choice: number;
}

/** The longest pool that is asked for in the first so many rounds. */
const POOL = { most: 4000, rounds: 6 };

/**
 * Asks for more of the ranking while the list is short and there might be more. What a cap has no room for any more is not
 * ranked again, so that caps that cannot be filled do not have the whole catalogue ranked: a cap of 1 in twenty categories
 * is full after twenty items, however long the list should be.
 */
function chooseFrom(rankFirst: RankFirst, ask: Ask, caps: readonly Cap[], pick: Pick): ReturnType<Pick> {
  const { k, items, within, merged, choice } = ask;
  const wide = caps.map(({ group, atMost }) => ({ group, atMost: choice * atMost }));
  const seen = caps.map(() => new Map<number, number>());
  const pool: Ranked[] = [];
  let open = within;
  let length = Math.max(CHOICE.times * k, CHOICE.least);
  for (let round = 1; ; round++) {
    const more = rankFirst(Math.min(length, items), open);
    if (merged) pool.length = 0;
    for (const one of more) pool.push(one);
    const picked = pick(pool);
    if (picked.chosen.length >= k || more.length < length || length >= items) return picked;
    const unseen = unseenWhere(pool, ask, (item) => hasRoom(item, caps, picked.tried));
    if (rankFirst(1, unseen).length === 0) return picked;
    // Two rankings that are merged weigh each against its best: they are asked anew, for the same best.
    if (!merged) {
      for (const { item } of more) admits(item, wide, seen);
      open = unseen;
      if (choice > 1)
        joinBits(
          open,
          unseenWhere(pool, ask, (item) => hasRoom(item, wide, seen)),
        );
    }
    length = round < POOL.rounds ? Math.min(4 * length, Math.max(length, POOL.most)) : 4 * length;
  }
}

/** The items that a ranking may list, are not in the pool, and hold. */
function unseenWhere(
  pool: readonly Ranked[],
  { items, within }: Ask,
  holds: (item: number) => boolean,
): Bits {
  const bits = bitsWhere(items, holds);
  if (within) keepBits(bits, within);
  for (const { item } of pool) removeBit(bits, item);
  return bits;
}

/** `within` (all, where it is not given) without `bury`, or nothing but it. */
function apart(within: Bits | undefined, bury: Bits, items: number, buried: boolean): Bits {
  const bits = makeBits(items);
  if (within) bits.set(within);
  else bits.fill(0xffff_ffff);
  if (buried) keepBits(bits, bury);
  else dropBits(bits, bury);
  return bits;
}

/** Whether every cap has room for `item`, whose place is then taken. */
function admits(item: number, caps: readonly Cap[], counts: Counts): boolean {
  const room = hasRoom(item, caps, counts);
  if (room) admitAll([item], caps, counts);
  return room;
}

function hasRoom(item: number, caps: readonly Cap[], counts: Counts): boolean {
  return caps.every(({ group, atMost }, n) => {
    const number = group[item]!;
    return number < 0 || (counts[n]!.get(number) ?? 0) < atMost;
  });
}

/**
 * The first of a ranking that a diverse list of `wanted` is chosen from: so many times what is wanted, of each group so many
 * times what its cap has room for. Choosing looks at every one of them again for each place.
 */
function thinned(pool: readonly Ranked[], wanted: number, caps: readonly Cap[], counts: Counts): Ranked[] {
  const most = Math.max(CHOICE.times * wanted, CHOICE.least);
  const taken = caps.map(() => new Map<number, number>());
  const wide = caps.map(({ group, atMost }) => ({ group, atMost: CHOICE.times * atMost }));
  const kept: Ranked[] = [];
  for (const one of pool) {
    if (kept.length >= most) break;
    if (hasRoom(one.item, caps, counts) && admits(one.item, wide, taken)) kept.push(one);
  }
  return kept;
}

function admitAll(items: readonly number[], caps: readonly Cap[], counts: Counts): void {
  for (const item of items)
    caps.forEach(({ group }, n) => {
      const number = group[item]!;
      if (number >= 0) counts[n]!.set(number, (counts[n]!.get(number) ?? 0) + 1);
    });
}

/**
 * Maximal marginal relevance: next comes the item with the highest (1 - diversity) · relevance - diversity · likeness to the
 * likest one before it; relevance is the score as a share of the best, or the place, from 1 down to 0. Ties go to who ranks
 * higher. Time grows as `wanted` times the pool. Source: Carbonell and Goldstein, SIGIR 1998.
 */
function diversify(
  pool: readonly Ranked[],
  wanted: number,
  diversity: number,
  relevance: 'score' | 'place',
  likeness: Likeness,
  caps: readonly Cap[],
  counts: Counts,
): Ranked[] {
  const best = pool.reduce((most, { score }) => Math.max(most, score), 0);
  let left = pool.map((one, place) => ({
    one,
    relevance: relevance === 'place' ? 1 - place / pool.length : best > 0 ? one.score / best : 0,
    likest: 0,
  }));
  const chosen: Ranked[] = [];
  while (chosen.length < wanted) {
    let next: (typeof left)[number] | null = null;
    let most = -Infinity;
    for (const each of left) {
      const value = (1 - diversity) * each.relevance - diversity * each.likest;
      if (value > most) [next, most] = [each, value];
    }
    if (next === null) break;
    const { one } = next;
    admitAll([one.item], caps, counts);
    chosen.push(one);
    // Who has no room any more is not looked at again.
    left = left.filter((other) => other.one !== one && hasRoom(other.one.item, caps, counts));
    for (const other of left) other.likest = Math.max(other.likest, likeness(one.item, other.one.item));
  }
  return chosen;
}

/** The items of `lists`, each in the set. */
export function bitsOfAll(lists: Iterable<Iterable<number>>, items: number): Bits {
  const bits = makeBits(items);
  for (const list of lists) for (const item of list) addBit(bits, item);
  return bits;
}
