import type { Catalogue, History } from '../data.ts';
import type { Steps } from '../steps.ts';
import { purchaseDays, makeDaysRoom, type Days, type Journal } from './journal.ts';

/** An article that ended and the one that its customers buy since. */
export interface Supersession {
  readonly ended: number;
  readonly successor: number;
  /** The last purchase of the one and the first of the other, days since 1970. */
  readonly lastSold: number;
  readonly firstSold: number;
  /** Of `of` accounts that bought the ended article and bought on, `moved` came to buy the successor. */
  readonly moved: number;
  readonly of: number;
  /** How alike their names are, 0 … 1 (shared pairs of letters). */
  readonly names: number;
  /** 0 … 1. */
  readonly confidence: number;
}

/** Between the last sale of the one and the first of the other: stock is sold off, or runs out for a while. */
const OVERLAP_DAYS = 45;
const GAP_DAYS = 75;
/** An article that began so soon after the history may have been sold before it. */
const LEAST_BEFORE = 45;
/** So many usual pauses of an article without a sale are its end. */
const PAUSES = 4;
const LEAST_PAUSE = 21;
/** Accounts that moved, so that it is no chance. One is enough where the names are the same but for a mark. */
const LEAST_MOVED = 2;
const SAME_NAME = 0.75;
const LEAST_CONFIDENCE = 0.4;

interface Life {
  readonly first: number;
  readonly last: number;
  /** The 90th percentile of days between two of its sales. */
  readonly pause: number;
  readonly days: number;
}

/**
 * Articles that ended within the history, each with the likeliest successor, where its accounts moved to one that began
 * when it ended. Names speak with the purchases and never without them. An article has one successor, a successor one
 * predecessor; best first. Time grows with the pairs of an ended article and what its account came to buy around its end.
 */
export function* findSupersessions(journal: Journal, items: Catalogue): Steps<Supersession[]> {
  const { history } = journal;
  const pairs = pairsByItem(history);
  const lives = yield* livesOf(journal, pairs);
  const start = Math.floor(history.first.reduce((a, b) => Math.min(a, b), history.asOf));
  const today = Math.floor(history.asOf);
  const arrivals = arrivalsOf(history, lives, start + LEAST_BEFORE);
  const moved = new Int32Array(history.items);
  const sides = { history, pairs, items, pairsOfName: nameCache(items), early: new Map<number, number>() };
  const found: Supersession[] = [];
  for (const [ended, life] of lives.entries()) {
    yield;
    if (life === null || today - life.last < Math.max(LEAST_PAUSE, PAUSES * life.pause)) continue;
    const candidates: number[] = [];
    for (let n = pairs.start[ended]!; n < pairs.start[ended + 1]!; n++) {
      const p = pairs.pair[n]!;
      const since = Math.floor(history.last[p]!) - OVERLAP_DAYS;
      for (const q of arrivalsWithin(arrivals, pairs.customer[p]!, life)) {
        const successor = history.item[q]!;
        if (Math.floor(history.first[q]!) < since) continue;
        if (moved[successor]!++ === 0) candidates.push(successor);
      }
    }
    const bought = countPairs(pairs, ended, (p) => Math.floor(history.last[p]!) >= life.last - 365);
    for (const successor of candidates) {
      const next = lives[successor];
      const count = moved[successor]!;
      moved[successor] = 0;
      if (!next || successor === ended || life.first >= next.first || next.last <= life.last) continue;
      const judged = judge(sides, { ended, successor, life, next, today, moved: count, bought });
      if (judged !== null) found.push(judged);
    }
  }
  return oneToOne(found);
}

/** The pairs of each item: pair[start[i]] … pair[start[i + 1] - 1]; and each pair's customer. */
interface ItemPairs {
  readonly start: Int32Array;
  readonly pair: Int32Array;
  readonly customer: Int32Array;
}

function pairsByItem({ customers, items, indptr, item }: History): ItemPairs {
  const start = new Int32Array(items + 1);
  for (const each of item) start[each + 1]!++;
  for (let i = 0; i < items; i++) start[i + 1]! += start[i]!;
  const next = start.slice();
  const pair = new Int32Array(item.length);
  for (let p = 0; p < item.length; p++) pair[next[item[p]!]!++] = p;
  const customer = new Int32Array(item.length);
  for (let c = 0; c < customers; c++) customer.fill(c, indptr[c], indptr[c + 1]);
  return { start, pair, customer };
}

/** By customer, its pairs of articles that began after the history did, in the order in which the articles began. */
interface Arrivals {
  readonly start: Int32Array;
  readonly pair: Int32Array;
  /** Parallel to `pair`: the day on which the article began. */
  readonly day: Float64Array;
}

function arrivalsOf(history: History, lives: readonly (Life | null)[], notBefore: number): Arrivals {
  const { customers, indptr, item } = history;
  const began = Float64Array.from(lives, (life) =>
    life !== null && life.first >= notBefore ? life.first : NaN,
  );
  const start = new Int32Array(customers + 1);
  const pair = new Int32Array(item.length);
  let length = 0;
  for (let c = 0; c < customers; c++) {
    for (let p = indptr[c]!; p < indptr[c + 1]!; p++) if (began[item[p]!]! >= notBefore) pair[length++] = p;
    pair.subarray(start[c], length).sort((p, q) => began[item[p]!]! - began[item[q]!]! || p - q);
    start[c + 1] = length;
  }
  const kept = pair.slice(0, length);
  return { start, pair: kept, day: Float64Array.from(kept, (p) => began[item[p]!]!) };
}

/** The pairs of `customer` whose article began about when `life` ended. */
function* arrivalsWithin({ start, pair, day }: Arrivals, customer: number, life: Life): Generator<number> {
  let low = start[customer]!;
  let high = start[customer + 1]!;
  const end = high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (day[middle]! < life.last - OVERLAP_DAYS) low = middle + 1;
    else high = middle;
  }
  for (; low < end && day[low]! <= life.last + GAP_DAYS; low++) yield pair[low]!;
}

interface Candidate {
  readonly ended: number;
  readonly successor: number;
  readonly life: Life;
  readonly next: Life;
  readonly today: number;
  readonly moved: number;
  /** Accounts that bought the ended article in its last year. */
  readonly bought: number;
}

/** What is looked up for many candidates. */
interface Sides {
  readonly history: History;
  readonly pairs: ItemPairs;
  readonly items: Catalogue;
  readonly pairsOfName: (item: number) => ReadonlySet<string>;
  /** By successor, the accounts that came to it soon. */
  readonly early: Map<number, number>;
}

function judge(
  { history, pairs, items, pairsOfName, early: known }: Sides,
  { ended, successor, life, next, today, moved, bought }: Candidate,
): Supersession | null {
  const sameCategory = (items.categories?.[ended] ?? null) === (items.categories?.[successor] ?? null);
  // Where too few moved, or to another category, only the same name will do, and most names are soon seen not to be.
  const least = moved < LEAST_MOVED || !sameCategory ? SAME_NAME : 0;
  const names = likeness(pairsOfName(ended), pairsOfName(successor), least);
  if (names < least) return null;
  const early =
    known.get(successor) ??
    countPairs(pairs, successor, (p) => Math.floor(history.first[p]!) <= next.first + 120);
  known.set(successor, early);
  // Who needs it rarely has had no occasion yet.
  const patience = Math.min(1, (today - next.first) / 120);
  const ofOld = (moved + 0.2) / (Math.max(moved, bought * patience) + 1);
  const ofNew = (Math.min(moved, early) + 0.2) / (early + 1);
  // What chance would make of two articles with as many accounts each; that one began when the other ended is no chance.
  const [before, since] = [holdersOf(pairs, ended), holdersOf(pairs, successor)];
  const chance = (before * since) / Math.max(1, history.customers);
  const surprise = 1 - Math.exp(-Math.max(moved / 4, moved - chance) / 2);
  const purchases = Math.sqrt(ofOld * ofNew) * surprise;
  const confidence = 1 - (1 - purchases) * (1 - (names >= SAME_NAME ? 0.75 * names : 0.3 * names));
  if (confidence < LEAST_CONFIDENCE) return null;
  return {
    ended,
    successor,
    lastSold: life.last,
    firstSold: next.first,
    moved,
    of: before,
    names,
    confidence,
  };
}

const holdersOf = ({ start }: ItemPairs, item: number) => start[item + 1]! - start[item]!;

function countPairs({ start, pair }: ItemPairs, item: number, holds: (p: number) => boolean): number {
  let count = 0;
  for (let n = start[item]!; n < start[item + 1]!; n++) if (holds(pair[n]!)) count++;
  return count;
}

/** Greedily, the most confident pairs first. */
function oneToOne(found: readonly Supersession[]): Supersession[] {
  const taken = new Set<string>();
  return found
    .toSorted((a, b) => b.confidence - a.confidence || a.ended - b.ended || a.successor - b.successor)
    .filter(({ ended, successor }) => {
      if (taken.has(`ended ${ended}`) || taken.has(`successor ${successor}`)) return false;
      taken.add(`ended ${ended}`).add(`successor ${successor}`);
      return true;
    });
}

function* livesOf(journal: Journal, { start, pair }: ItemPairs): Steps<(Life | null)[]> {
  const room = makeDaysRoom();
  const sales = { day: new Float64Array(256), length: 0 };
  const lives: (Life | null)[] = [];
  for (let item = 0; item < journal.history.items; item++) {
    sales.length = 0;
    for (let n = start[item]!; n < start[item + 1]!; n++)
      addDays(sales, purchaseDays(journal, pair[n]!, room));
    lives.push(lifeOf(sales.day.subarray(0, sales.length)));
    if ((item & 15) === 15) yield;
  }
  return lives;
}

function addDays(sales: { day: Float64Array; length: number }, { count, day }: Days): void {
  if (sales.length + count > sales.day.length) {
    const larger = new Float64Array(2 * (sales.length + count));
    larger.set(sales.day.subarray(0, sales.length));
    sales.day = larger;
  }
  sales.day.set(day.subarray(0, count), sales.length);
  sales.length += count;
}

/** The life that days of sales tell of, which are put in order; null where there are too few. */
function lifeOf(all: Float64Array): Life | null {
  const sold = all.sort().filter((day, n, days) => n === 0 || day !== days[n - 1]);
  if (sold.length < 2) return null;
  const pauses = sold.slice(1).map((day, n) => day - sold[n]!);
  pauses.sort();
  return {
    first: sold[0]!,
    last: sold.at(-1)!,
    days: sold.length,
    pause: pauses[Math.floor(0.9 * (pauses.length - 1))]!,
  };
}

/** Shared pairs of letters and digits of two names, to all of them, 0 … 1; 0 where that is below `least`. */
function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>, least: number): number {
  let shared = 0;
  // Of n pairs in all, (1 + least) · shared is to be at least least · n.
  let spare = one.size - Math.ceil((least * (one.size + other.size)) / (1 + least) - 1e-9);
  for (const each of one) {
    if (other.has(each)) shared++;
    else if (--spare < 0) return 0;
  }
  return one.size + other.size === 0 ? 0 : shared / (one.size + other.size - shared);
}

/** The pairs of letters of each item's name, made once. */
function nameCache({ names }: Catalogue): (item: number) => ReadonlySet<string> {
  const known = new Map<number, ReadonlySet<string>>();
  return (item) => {
    const found = known.get(item) ?? pairsOf(names[item] ?? '');
    known.set(item, found);
    return found;
  };
}

function pairsOf(text: string): Set<string> {
  const plain = text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ');
  return new Set(Array.from({ length: Math.max(0, plain.length - 1) }, (_, n) => plain.slice(n, n + 2)));
}
