import type { Catalogue } from '../data.ts';
import { purchaseDays, makeDaysRoom, type Journal } from './journal.ts';

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
 * predecessor; best first.
 */
export function findSupersessions(journal: Journal, items: Catalogue): Supersession[] {
  const { history } = journal;
  const lives = livesOf(journal);
  const start = Math.floor(history.first.reduce((a, b) => Math.min(a, b), history.asOf));
  const today = Math.floor(history.asOf);
  const newcomers = lives
    .flatMap((life, item) => (life !== null && life.first - start >= LEAST_BEFORE ? [{ item, life }] : []))
    .sort((a, b) => a.life.first - b.life.first || a.item - b.item);
  const found: Supersession[] = [];
  const holders = holdersOf(journal);
  for (const [ended, life] of lives.entries()) {
    if (life === null || today - life.last < Math.max(LEAST_PAUSE, PAUSES * life.pause)) continue;
    for (const { item: successor, life: next } of newcomers) {
      if (next.first < life.last - OVERLAP_DAYS || successor === ended) continue;
      if (next.first > life.last + GAP_DAYS) break;
      if (life.first >= next.first || next.last <= life.last) continue;
      const judged = judge(journal, holders, { ended, successor, life, next, today }, items);
      if (judged !== null) found.push(judged);
    }
  }
  return oneToOne(found);
}

/** By item, its accounts with the days of their first and last purchase. */
function holdersOf({ history }: Journal): Map<number, { first: number; last: number }>[] {
  const holders = Array.from(
    { length: history.items },
    () => new Map<number, { first: number; last: number }>(),
  );
  for (let c = 0; c < history.customers; c++)
    for (let p = history.indptr[c]!; p < history.indptr[c + 1]!; p++)
      holders[history.item[p]!]!.set(c, {
        first: Math.floor(history.first[p]!),
        last: Math.floor(history.last[p]!),
      });
  return holders;
}

interface Candidate {
  readonly ended: number;
  readonly successor: number;
  readonly life: Life;
  readonly next: Life;
  readonly today: number;
}

function judge(
  { history }: Journal,
  holders: ReturnType<typeof holdersOf>,
  { ended, successor, life, next, today }: Candidate,
  items: Catalogue,
): Supersession | null {
  const before = holders[ended]!;
  const since = holders[successor]!;
  let moved = 0;
  for (const [customer, old] of before) {
    const now = since.get(customer);
    if (now !== undefined && now.first >= old.last - OVERLAP_DAYS) moved++;
  }
  const names = likeness(items.names[ended] ?? '', items.names[successor] ?? '');
  const sameCategory = (items.categories?.[ended] ?? null) === (items.categories?.[successor] ?? null);
  const early = [...since.values()].filter(({ first }) => first <= next.first + 120).length;
  if (moved < (names >= SAME_NAME ? 1 : LEAST_MOVED) || (!sameCategory && names < SAME_NAME)) return null;
  const bought = [...before.values()].filter(({ last }) => last >= life.last - 365).length;
  // Who needs it rarely has had no occasion yet.
  const patience = Math.min(1, (today - next.first) / 120);
  const ofOld = (moved + 0.2) / (Math.max(moved, bought * patience) + 1);
  const ofNew = (Math.min(moved, early) + 0.2) / (early + 1);
  // What chance would make of two articles with as many accounts each; that one began when the other ended is no chance.
  const chance = (before.size * since.size) / Math.max(1, history.customers);
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
    of: before.size,
    names,
    confidence,
  };
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

function livesOf(journal: Journal): (Life | null)[] {
  const { history } = journal;
  const days: Set<number>[] = Array.from({ length: history.items }, () => new Set());
  const room = makeDaysRoom();
  for (let p = 0; p < history.item.length; p++) {
    const { count, day } = purchaseDays(journal, p, room);
    for (let n = 0; n < count; n++) days[history.item[p]!]!.add(day[n]!);
  }
  return days.map((set) => {
    const sold = Float64Array.from(set).sort();
    if (sold.length < 2) return null;
    const pauses = sold.slice(1).map((day, n) => day - sold[n]!);
    pauses.sort();
    return {
      first: sold[0]!,
      last: sold.at(-1)!,
      days: sold.length,
      pause: pauses[Math.floor(0.9 * (pauses.length - 1))]!,
    };
  });
}

/** Shared pairs of letters and digits of two names, to all of them, 0 … 1. */
function likeness(a: string, b: string): number {
  const [one, other] = [pairsOf(a), pairsOf(b)];
  const shared = [...one].filter((pair) => other.has(pair)).length;
  return one.size + other.size === 0 ? 0 : shared / (one.size + other.size - shared);
}

function pairsOf(text: string): Set<string> {
  const plain = text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ');
  return new Set(Array.from({ length: Math.max(0, plain.length - 1) }, (_, n) => plain.slice(n, n + 2)));
}
