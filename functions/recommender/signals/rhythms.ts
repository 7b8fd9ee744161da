import type { Steps } from '../steps.ts';
import { paceOf, passed, type Pace } from './calendar.ts';
import { makeDaysRoom, purchaseDays, type Journal } from './journal.ts';
import { deviation, median } from './robust.ts';
import { itemPace, type Seasons } from './seasons.ts';
import type { Waiting } from './waiting.ts';

/** How long each pair of account and item waits between purchases; arrays of pairs are parallel to the history's. */
export interface Rhythms {
  /** Mean and deviation of the logarithm of days; NaN where neither the pair nor others tell. */
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
  /** Waits seen, 0 where the item was bought on one day only. */
  readonly waits: Int32Array;
  /** Units usually bought at once. */
  readonly usual: Float32Array;
  /** Money in all; NaN where a line's is unknown. */
  readonly value: Float32Array;
  /** The chance that a purchase is the last of its pair. */
  readonly ends: number;
}

/** What pairs have in common, before which their own waits are seen: fewer than so many would tell nothing. */
const LEAST_PAIRS = 3;
/** Pairs that speak for the whole where an item or account has few. */
const PRIOR_PAIRS = 4;
/** Waits with which the common deviation speaks against a pair's own. */
const PRIOR_WAITS = 6;
/** Where nothing can be measured: half of all waits within a third of the usual. */
const ASSUMED = { within: 0.4, between: 0.5, ends: 0.08 };
/** Nobody is more regular than this, whatever the past says; nor than a day and a half. */
const LEAST_DEVIATION = 0.15;
const LEAST_DAYS = 1.5;

/** Waits of every pair: its own where there are several, leaning on the item's at other accounts the fewer there are. */
export function* fitRhythms(
  journal: Journal,
  seasons: Seasons,
  accountPace: (customer: number) => Pace,
): Steps<Rhythms> {
  const { history } = journal;
  const pairs = history.item.length;
  const own = new Float32Array(pairs).fill(NaN);
  const spread = new Float32Array(pairs).fill(NaN);
  const waits = new Int32Array(pairs);
  const usual = new Float32Array(pairs);
  const value = Float32Array.from({ length: pairs }, (_, p) => valueOf(journal, p));
  const room = makeDaysRoom();
  let logs = new Float64Array(64);
  for (let customer = 0; customer < history.customers; customer++) {
    const account = accountPace(customer);
    if ((customer & 0xff) === 0xff) yield;
    for (let p = history.indptr[customer]!; p < history.indptr[customer + 1]!; p++) {
      const { count, day, amount } = purchaseDays(journal, p, room);
      const pace = paceOf(itemPace(seasons, history.item[p]!), account);
      if (count > logs.length) logs = new Float64Array(2 * count);
      for (let n = 1; n < count; n++) logs[n - 1] = Math.log(Math.max(1, passed(pace, day[n - 1]!, day[n]!)));
      waits[p] = Math.max(0, count - 1);
      usual[p] = median(amount, count);
      if (count < 2) continue;
      own[p] = centre(logs, count - 1);
      if (count >= 4) spread[p] = deviation(logs, own[p]!, count - 1);
    }
  }
  return { ...lean(journal, { own, spread, waits }), waits, usual, value };
}

function valueOf({ lines, order, ptr }: Journal, p: number): number {
  let sum = 0;
  for (let n = ptr[p]!; n < ptr[p + 1]!; n++) sum += lines.value[order[n]!]!;
  return sum;
}

/** The median, or of two the mean. */
function centre(values: Float64Array, count: number): number {
  return count === 2 ? (values[0]! + values[1]!) / 2 : median(values, count);
}

interface Seen {
  readonly own: Float32Array;
  readonly spread: Float32Array;
  readonly waits: Int32Array;
}

function lean({ history }: Journal, seen: Seen): Pick<Rhythms, 'mean' | 'deviation' | 'ends'> {
  const { own, spread, waits } = seen;
  const pairs = own.length;
  const { prior, sure } = priors(history, own);
  const within = middle(spread, ASSUMED.within);
  // What pairs differ from their prior by, less what chance alone makes of it.
  const apart = new Float32Array(pairs).fill(NaN);
  for (let p = 0; p < pairs; p++)
    if (waits[p]! >= 3 && sure[p] === 1) apart[p] = Math.abs(own[p]! - prior[p]!);
  const measured = 1.4826 * middle(apart, NaN);
  const between = Number.isFinite(measured)
    ? Math.sqrt(Math.max(0.05 ** 2, measured ** 2 - within ** 2 / 4))
    : ASSUMED.between;
  const mean = new Float32Array(pairs);
  const dev = new Float32Array(pairs);
  for (let p = 0; p < pairs; p++) {
    const n = waits[p]!;
    const leaning = within ** 2 / (within ** 2 + n * between ** 2);
    mean[p] = n === 0 ? prior[p]! : sure[p] === 1 ? own[p]! + leaning * (prior[p]! - own[p]!) : own[p]!;
    const variance =
      Number.isFinite(spread[p]!) && n >= 3
        ? (n * spread[p]! ** 2 + PRIOR_WAITS * within ** 2) / (n + PRIOR_WAITS)
        : within ** 2;
    const least = Math.max(LEAST_DEVIATION, LEAST_DAYS / Math.exp(mean[p]!));
    dev[p] = Math.max(least, Math.sqrt(variance + leaning * between ** 2));
  }
  return { mean, deviation: dev, ends: shareEnded(history, mean, dev, waits) };
}

/** What a pair's waits are expected to be before its own are seen: the item's at other accounts, slower or faster by account. */
function priors(history: Journal['history'], own: Float32Array): { prior: Float32Array; sure: Uint8Array } {
  const { items, customers, item, indptr } = history;
  const pairs = own.length;
  const all = middle(own, NaN);
  const ofItem = groupMedians(
    items,
    (p) => item[p]!,
    pairs,
    (p) => own[p]!,
  );
  const itemCentre = ofItem.centre.map((value, i) =>
    (ofItem.count[i] ?? 0) === 0
      ? all
      : (ofItem.count[i]! * value + PRIOR_PAIRS * all) / (ofItem.count[i]! + PRIOR_PAIRS),
  );
  const holder = new Int32Array(pairs);
  for (let c = 0; c < customers; c++) holder.fill(c, indptr[c], indptr[c + 1]);
  const ofAccount = groupMedians(
    customers,
    (p) => holder[p]!,
    pairs,
    (p) => own[p]! - itemCentre[item[p]!]!,
  );
  const prior = new Float32Array(pairs);
  const sure = new Uint8Array(pairs);
  for (let p = 0; p < pairs; p++) {
    const c = holder[p]!;
    const shift =
      (ofAccount.count[c]! * (ofAccount.centre[c] || 0)) / (ofAccount.count[c]! + 2 * PRIOR_PAIRS);
    const known = ofItem.count[item[p]!]! >= LEAST_PAIRS || ofAccount.count[c]! >= LEAST_PAIRS;
    prior[p] = known ? itemCentre[item[p]!]! + shift : NaN;
    sure[p] = known ? 1 : 0;
  }
  return { prior, sure };
}

/** The median of each group's known values, and how many there are. */
function groupMedians(
  groups: number,
  groupOf: (p: number) => number,
  pairs: number,
  valueOf: (p: number) => number,
): { centre: Float64Array; count: Int32Array } {
  const count = new Int32Array(groups);
  for (let p = 0; p < pairs; p++) if (Number.isFinite(valueOf(p))) count[groupOf(p)]!++;
  const start = new Int32Array(groups + 1);
  for (let g = 0; g < groups; g++) start[g + 1] = start[g]! + count[g]!;
  const values = new Float64Array(start[groups]!);
  const next = start.slice();
  for (let p = 0; p < pairs; p++) {
    const value = valueOf(p);
    if (Number.isFinite(value)) values[next[groupOf(p)]!++] = value;
  }
  const centres = new Float64Array(groups).fill(NaN);
  for (let g = 0; g < groups; g++)
    if (count[g]! > 0) centres[g] = median(values.subarray(start[g], start[g + 1]));
  return { centre: centres, count };
}

/** The median of what is a number; `otherwise` of nothing. */
function middle(values: Float32Array, otherwise: number): number {
  const known = Float64Array.from(values).filter(Number.isFinite);
  return known.length === 0 ? otherwise : median(known);
}

/** Silence beyond so many deviations counts as an end. */
const LONG = 3;

/** Of all purchases of pairs with a rhythm of their own, the share that nothing followed for far too long. */
function shareEnded(
  history: Journal['history'],
  mean: Float32Array,
  dev: Float32Array,
  waits: Int32Array,
): number {
  let purchases = 0;
  let ended = 0;
  for (let p = 0; p < mean.length; p++) {
    if (waits[p]! < 3) continue;
    purchases += waits[p]!;
    if (Math.log(Math.max(1, history.asOf - history.last[p]!)) > mean[p]! + LONG * dev[p]!) ended++;
  }
  return purchases < 100 ? ASSUMED.ends : Math.min(0.3, Math.max(0.01, ended / purchases));
}

/** The waiting of pair `p`; null where nothing is known of it. */
export function waitingOf({ mean, deviation: dev }: Rhythms, p: number): Waiting | null {
  return Number.isFinite(mean[p]!) && dev[p]! > 0 ? { mean: mean[p]!, deviation: dev[p]! } : null;
}
