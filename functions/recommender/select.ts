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
  const { bury, pin, caps = [], diversity = 0, ...ranking } = options;
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
        const chosen = diversity > 0 ? diversify(pool, wanted, diversity, likeness, caps, tried) : [];
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
  const full = caps.some(({ group, atMost }, n) => {
    const number = group[item]!;
    return number >= 0 && (counts[n]!.get(number) ?? 0) >= atMost;
  });
  if (!full) admitAll([item], caps, counts);
  return !full;
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
 * likest one before it; relevance is the score as a share of the best. Ties go to who ranks higher. Source: Carbonell and
 * Goldstein, SIGIR 1998.
 */
function diversify(
  pool: readonly Ranked[],
  wanted: number,
  diversity: number,
  likeness: Likeness,
  caps: readonly Cap[],
  counts: Counts,
): Ranked[] {
  const best = pool.reduce((most, { score }) => Math.max(most, score), 0);
  const left = pool.map((one) => ({ one, relevance: best > 0 ? one.score / best : 0, likest: 0 }));
  const chosen: Ranked[] = [];
  while (chosen.length < wanted && left.length > 0) {
    let at = 0;
    let most = -Infinity;
    left.forEach(({ relevance, likest }, n) => {
      const value = (1 - diversity) * relevance - diversity * likest;
      if (value > most) [at, most] = [n, value];
    });
    const [next] = left.splice(at, 1);
    if (next === undefined || !admits(next.one.item, caps, counts)) continue;
    chosen.push(next.one);
    for (const other of left) other.likest = Math.max(other.likest, likeness(next.one.item, other.one.item));
  }
  return chosen;
}

/** The items of `lists`, each in the set. */
export function bitsOfAll(lists: Iterable<Iterable<number>>, items: number): Bits {
  const bits = makeBits(items);
  for (const list of lists) for (const item of list) addBit(bits, item);
  return bits;
}
