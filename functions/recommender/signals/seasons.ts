import { DAY_MS, type Catalogue, type History } from '../data.ts';
import type { Steps } from '../steps.ts';
import { monthOf, monthStart, type Pace } from './calendar.ts';
import type { Journal } from './journal.ts';

/** When each item is bought in the year, and on which weekdays anything is. */
export interface Seasons {
  /** By item: its row of `paces`, -1 where it sells all year or too little is known. */
  readonly paceOfItem: Int32Array;
  /** Twelve numbers a row. */
  readonly paces: Float32Array;
  /** Seven marks, Monday first: 1 where orders come in. */
  readonly weekdays: Uint8Array;
}

/** An item must have been sold for so long before a season can be told from a beginning. */
const LEAST_DAYS = 330;
const LEAST_PURCHASES = 20;
/** Χ² of twelve months beyond which an item has seasons: 1 in 10⁴ by chance alone is 37, and orders come in clusters. */
const SURE = 42;
/** Expected purchases with which a category's months speak against the item's own. */
const CATEGORY_WEIGHT = 4;
/** And with which no season does, where the item has no category. */
const FLAT_WEIGHT = 1;

/** The pace of `item`; null where it has no seasons. */
export function itemPace({ paceOfItem, paces }: Seasons, item: number): Pace {
  const row = paceOfItem[item] ?? -1;
  return row < 0 ? null : paces.subarray(row * 12, row * 12 + 12);
}

/** Seasons of items that have them beyond doubt, against what all items together sell in the same months. */
export function* findSeasons(journal: Journal, items: Catalogue): Steps<Seasons> {
  const { lines, order, history } = journal;
  const weekdayLines = new Float64Array(7);
  const byMonth = new Float32Array(history.items * 12);
  const first = new Float64Array(history.items).fill(Infinity);
  const last = new Float64Array(history.items).fill(-Infinity);
  const table = monthTable(history);
  for (let n = 0; n < order.length; n++) {
    if ((n & 0xffff) === 0xffff) yield;
    const line = order[n]!;
    const day = Math.floor(lines.time[line]! / DAY_MS);
    const item = lines.item[line]!;
    byMonth[item * 12 + (table.monthAt[day - table.from]! % 12)]!++;
    table.lines[table.monthAt[day - table.from]!]!++;
    weekdayLines[(((day + 3) % 7) + 7) % 7]!++;
    if (day < first[item]!) first[item] = day;
    if (day > last[item]!) last[item] = day;
  }
  const expected = (item: number) => expectedMonths(table, first[item]!, last[item]!);
  const categories = categoryMonths(byMonth, items, first, last, expected);
  const paceOfItem = new Int32Array(history.items).fill(-1);
  const rows: Float32Array[] = [];
  for (let item = 0; item < history.items; item++) {
    const months = byMonth.subarray(item * 12, item * 12 + 12);
    const sold = months.reduce((a, b) => a + b, 0);
    if (sold < LEAST_PURCHASES || last[item]! - first[item]! < LEAST_DAYS) continue;
    const shares = expected(item);
    if (distance(months, shares, sold) < SURE) continue;
    const common = categories.get(items.categories?.[item] ?? '') ?? null;
    paceOfItem[item] = rows.length;
    rows.push(pace(months, shares, sold, common));
  }
  const paces = new Float32Array(rows.length * 12);
  rows.forEach((row, n) => paces.set(row, n * 12));
  const mean = weekdayLines.reduce((a, b) => a + b, 0) / 7;
  return { paceOfItem, paces, weekdays: Uint8Array.from(weekdayLines, (n) => (n >= 0.1 * mean ? 1 : 0)) };
}

interface MonthTable {
  readonly from: number;
  /** By day since `from`: months since the January before `from`. */
  readonly monthAt: Int32Array;
  /** Lines of all items in each of those months. */
  readonly lines: Float64Array;
}

function monthTable(history: History): MonthTable {
  const oldest = history.first.reduce((a, b) => Math.min(a, b), history.asOf);
  const { year } = monthOf(oldest);
  const from = monthStart(year, 0);
  const days = Math.floor(history.asOf) - from + 1;
  const monthAt = Int32Array.from({ length: days }, (_, n) => {
    const at = monthOf(from + n);
    return (at.year - year) * 12 + at.month;
  });
  return { from, monthAt, lines: new Float64Array((monthAt.at(-1) ?? 0) + 1) };
}

/** Which shares of its lines an item without seasons would have sold in each month, between its first day and its last. */
function expectedMonths({ from, monthAt, lines }: MonthTable, first: number, last: number): Float64Array {
  const shares = new Float64Array(12);
  let sum = 0;
  for (let m = monthAt[first - from]!; m <= monthAt[last - from]!; m++) {
    shares[m % 12]! += lines[m]!;
    sum += lines[m]!;
  }
  return shares.map((share) => share / sum);
}

const distance = (months: Float32Array, shares: Float64Array, sold: number) =>
  months.reduce((sum, n, m) => {
    const e = Math.max(0.5, shares[m]! * sold);
    return sum + (n - e) ** 2 / e;
  }, 0);

/** The months of each category: bought to expected. */
function categoryMonths(
  byMonth: Float32Array,
  items: Catalogue,
  first: Float64Array,
  last: Float64Array,
  expected: (item: number) => Float64Array,
): Map<string, Float64Array> {
  const sums = new Map<string, { bought: Float64Array; expected: Float64Array }>();
  for (let item = 0; item < first.length; item++) {
    const category = items.categories?.[item] ?? null;
    if (category === null || !(last[item]! - first[item]! >= LEAST_DAYS)) continue;
    const sum = sums.get(category) ?? { bought: new Float64Array(12), expected: new Float64Array(12) };
    sums.set(category, sum);
    const months = byMonth.subarray(item * 12, item * 12 + 12);
    const sold = months.reduce((a, b) => a + b, 0);
    expected(item).forEach((share, m) => {
      sum.bought[m]! += months[m]!;
      sum.expected[m]! += share * sold;
    });
  }
  return new Map(
    [...sums].map(([category, sum]) => [
      category,
      sum.bought.map((n, m) => (n + 1) / (sum.expected[m]! + 1)),
    ]),
  );
}

/** Months by what was bought in them to what was to be expected, leaning on the category's; mean 1 over a year. */
function pace(
  months: Float32Array,
  shares: Float64Array,
  sold: number,
  common: Float64Array | null,
): Float32Array {
  const weight = common === null ? FLAT_WEIGHT : CATEGORY_WEIGHT;
  const speeds = Float32Array.from(months, (n, m) =>
    Math.min(4, (n + weight * (common?.[m] ?? 1)) / (shares[m]! * sold + weight)),
  );
  const mean = speeds.reduce((a, b) => a + b, 0) / 12;
  return speeds.map((speed) => speed / mean);
}
