import { DAY_MS, transpose, type Sparse } from '../data.ts';
import { makeRowCollector } from '../item-item.ts';
import type { Steps } from '../steps.ts';
import type { Journal } from './journal.ts';

/** Items that come in the same orders. */
export interface Companions {
  /** Items × items: on how many order days both were bought by one account. */
  readonly together: Sparse;
  /** By item: on how many order days it was bought. */
  readonly days: Int32Array;
}

/** Kept of each item's companions. */
const KEEP = 24;
/** Order days with more items are left out: a first stocking says nothing about what goes with what, and costs the square. */
const LARGEST_ORDER = 80;
/** Together at least so often, and so many times as often as chance would have it. */
const LEAST_TOGETHER = 4;
const LEAST_LIFT = 2;

/** What an account orders on one day is one order. Time grows with the square of orders' items. */
export function* findCompanions(journal: Journal): Steps<Companions> {
  const orders = yield* ordersOf(journal);
  const byItem = transpose(orders);
  const items = byItem.rows;
  const days = Int32Array.from({ length: items }, (_, i) => byItem.indptr[i + 1]! - byItem.indptr[i]!);
  const collector = makeRowCollector(items, KEEP);
  const sums = new Float32Array(items);
  const touched = new Int32Array(items);
  for (let item = 0; item < items; item++) {
    let count = 0;
    for (let p = byItem.indptr[item]!; p < byItem.indptr[item + 1]!; p++) {
      const order = byItem.index[p]!;
      for (let q = orders.indptr[order]!; q < orders.indptr[order + 1]!; q++) {
        const other = orders.index[q]!;
        if (sums[other] === 0) touched[count++] = other;
        sums[other]!++;
      }
    }
    sums[item] = 0;
    for (let n = 0; n < count; n++) {
      const other = touched[n]!;
      const chance = (days[item]! * days[other]!) / Math.max(1, orders.rows);
      if (sums[other]! < LEAST_TOGETHER || sums[other]! < LEAST_LIFT * chance) sums[other] = 0;
    }
    collector.add(touched, count, sums);
    for (let n = 0; n < count; n++) sums[touched[n]!] = 0;
    if ((item & 15) === 15) yield;
  }
  return { together: collector.matrix(), days };
}

/** Orders × items: an account's day is a row. */
function* ordersOf({ history, lines, order, ptr }: Journal): Steps<Sparse> {
  const indptr: number[] = [0];
  const index = new Int32Array(order.length);
  let length = 0;
  for (let c = 0; c < history.customers; c++) {
    const own = order.slice(ptr[history.indptr[c]!], ptr[history.indptr[c + 1]!]);
    const dayOf = (line: number) => Math.floor(lines.time[line]! / DAY_MS);
    own.sort((a, b) => dayOf(a) - dayOf(b) || lines.item[a]! - lines.item[b]!);
    let start = length;
    for (let n = 0; n < own.length; n++) {
      const line = own[n]!;
      if (n > 0 && dayOf(own[n - 1]!) !== dayOf(line)) start = close(start);
      if (length === start || index[length - 1] !== lines.item[line]) index[length++] = lines.item[line]!;
    }
    close(start);
    if ((c & 0xff) === 0xff) yield;
  }
  function close(start: number): number {
    if (length - start > LARGEST_ORDER) length = start;
    else if (length > start) indptr.push(length);
    return length;
  }
  return {
    rows: indptr.length - 1,
    columns: history.items,
    indptr: Int32Array.from(indptr),
    index: index.slice(0, length),
    weight: new Float32Array(length),
  };
}

/** The share of `item`'s orders that held `other` too, 0 where they are no companions. */
export function shareTogether({ together, days }: Companions, item: number, other: number): number {
  for (let p = together.indptr[item]!; p < together.indptr[item + 1]!; p++)
    if (together.index[p] === other) return together.weight[p]! / days[item]!;
  return 0;
}
