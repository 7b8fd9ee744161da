import { DAY_MS, type History, type Interactions } from '../data.ts';
import type { Steps } from '../steps.ts';

/**
 * The purchases behind a history, pair by pair: what the history keeps as first, last and count, with all days between.
 * Four bytes a line; days and quantities are read from the lines when asked for.
 */
export interface Journal {
  readonly history: History;
  readonly lines: Interactions;
  /** Line numbers of pair p lie at ptr[p] … ptr[p+1]-1, in the order of their days. */
  readonly ptr: Int32Array;
  readonly order: Int32Array;
}

/** Whole days since 1970, ascending, each once, with what was bought on it. */
export interface Days {
  readonly count: number;
  readonly day: Float64Array;
  /** Units (a pair's days) or volume (an account's). */
  readonly amount: Float64Array;
}

/** The journal of the lines that `history` was built from: the same lines, up to its moment. Time grows as lines · log(items of a customer). */
export function* openJournal(lines: Interactions, history: History): Steps<Journal> {
  const pairs = history.item.length;
  const ptr = new Int32Array(pairs + 1);
  const pairOf = new Int32Array(lines.item.length).fill(-1);
  for (let n = 0; n < pairOf.length; n++) {
    const pair = placeOf(lines, history, n);
    pairOf[n] = pair;
    if (pair >= 0) ptr[pair + 1]!++;
    if ((n & 0x3fff) === 0x3fff) yield;
  }
  for (let p = 0; p < pairs; p++) ptr[p + 1]! += ptr[p]!;
  const next = ptr.slice();
  const order = new Int32Array(ptr[pairs]!);
  for (let n = 0; n < pairOf.length; n++) {
    if (pairOf[n]! >= 0) order[next[pairOf[n]!]!++] = n;
    if ((n & 0xffff) === 0xffff) yield;
  }
  for (let p = 0; p < pairs; p++) {
    sortByTime(order, lines.time, ptr[p]!, ptr[p + 1]!);
    if ((p & 0x3fff) === 0x3fff) yield;
  }
  return { history, lines, ptr, order };
}

/** The pair that line `n` belongs to; -1 where the history holds it not. */
function placeOf(lines: Interactions, { indptr, item, customers, asOf }: History, n: number): number {
  const customer = lines.customer[n]!;
  if (!(customer >= 0 && customer < customers) || !(lines.quantity[n]! > 0)) return -1;
  if (!(lines.time[n]! <= asOf * DAY_MS + 1)) return -1;
  let low = indptr[customer]!;
  let high = indptr[customer + 1]! - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = item[middle]!;
    if (found === lines.item[n]!) return middle;
    if (found < lines.item[n]!) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Insertion sort: a pair has few lines, and exports mostly come in the order of time. Long pairs go by a comparison sort. */
function sortByTime(order: Int32Array, time: Float64Array, from: number, to: number): void {
  if (to - from > 64) {
    order.subarray(from, to).sort((a, b) => time[a]! - time[b]! || a - b);
    return;
  }
  for (let n = from + 1; n < to; n++) {
    const line = order[n]!;
    let at = n;
    while (at > from && time[order[at - 1]!]! > time[line]!) order[at] = order[--at]!;
    order[at] = line;
  }
}

/** Room for the days of one pair or account, filled again by each reading. */
export interface DaysRoom {
  count: number;
  day: Float64Array;
  amount: Float64Array;
}

export function makeDaysRoom(): DaysRoom {
  return { count: 0, day: new Float64Array(64), amount: new Float64Array(64) };
}

/** The days on which pair `pair` was bought, with units, into `room`. */
export function purchaseDays(journal: Journal, pair: number, room: DaysRoom): Days {
  const { lines, order, ptr } = journal;
  room.count = 0;
  reserve(room, ptr[pair + 1]! - ptr[pair]!);
  for (let n = ptr[pair]!; n < ptr[pair + 1]!; n++) {
    const line = order[n]!;
    addDay(room, Math.floor(lines.time[line]! / DAY_MS), lines.quantity[line]!);
  }
  return room;
}

/** The days on which `customer` ordered anything, with the sum of `volume(line)`, into `room`. */
export function orderDays(
  journal: Journal,
  customer: number,
  room: DaysRoom,
  volume: (line: number) => number,
): Days {
  const { history, lines, order, ptr } = journal;
  const from = ptr[history.indptr[customer]!]!;
  const to = ptr[history.indptr[customer + 1]!]!;
  const sorted = order.slice(from, to).sort((a, b) => lines.time[a]! - lines.time[b]! || a - b);
  room.count = 0;
  reserve(room, sorted.length);
  for (const line of sorted) addDay(room, Math.floor(lines.time[line]! / DAY_MS), volume(line));
  return room;
}

function addDay(room: DaysRoom, day: number, amount: number): void {
  if (room.count > 0 && room.day[room.count - 1] === day) room.amount[room.count - 1]! += amount;
  else {
    room.day[room.count] = day;
    room.amount[room.count++] = amount;
  }
}

function reserve(room: DaysRoom, length: number): void {
  if (room.day.length >= length) return;
  room.day = new Float64Array(2 * length);
  room.amount = new Float64Array(2 * length);
}
