import { addBit, dropBits, keepBits, makeBits, type Bits } from './bits.ts';
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
  const choose = (k: number, within: Bits | undefined): Ranked[] =>
    chooseFrom(
      (length) => rankBy({ ...ranking, exclude, k: length, ...(within ? { within } : {}) }),
      { k, items, plain: caps.length === 0 && diversity === 0 },
      (pool, wanted) => {
        // Each try begins with what was there before it.
        const tried = counts.map((count) => new Map(count));
        const chosen =
          diversity > 0
            ? diversify(
                thinned(pool, wanted, caps, counts),
                wanted,
                diversity,
                relevance,
                likeness,
                caps,
                tried,
              )
            : [];
        if (diversity === 0)
          for (const one of pool)
            if (chosen.length < wanted && admits(one.item, caps, tried)) chosen.push(one);
        return { chosen, tried };
      },
      (tried) => tried.forEach((count, n) => (counts[n] = count)),
    );
  const free = options.k - pins.length;
  const list = bury ? choose(free, apart(ranking.within, bury, items, false)) : choose(free, ranking.within);
  if (bury && list.length < free)
    list.push(...choose(free - list.length, apart(ranking.within, bury, items, true)));
  for (const [place, item] of pins)
    list.splice(Math.min(place, list.length), 0, { item, score: 0, from: 'pinned' });
  return list;
}

type Counts = Map<number, number>[];

/** Asks for a longer pool while the list is short and the pool might have more. */
function chooseFrom(
  rankFirst: (length: number) => Ranked[],
  { k, items, plain }: { k: number; items: number; plain: boolean },
  pick: (pool: Ranked[], wanted: number) => { chosen: Ranked[]; tried: Counts },
  keep: (tried: Counts) => void,
): Ranked[] {
  if (k <= 0) return [];
  if (plain) return rankFirst(k);
  for (let length = Math.max(CHOICE.times * k, CHOICE.least); ; length *= 4) {
    const pool = rankFirst(Math.min(length, items));
    const { chosen, tried } = pick(pool, k);
    if (chosen.length < k && pool.length >= length && length < items) continue;
    keep(tried);
    return chosen;
  }
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
