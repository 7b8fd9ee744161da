import { TerminalError } from '#core/errors';
import type { Holdout } from '#core/training-config';
import { buildHistory, DAY_MS, type History, type HistorySize, type Interactions } from './data.ts';
import { seededRandom, shuffled } from './random.ts';

/**
 * The temporal split. Models are chosen on the validation window and measured once on the test window, each seeing only
 * what was bought before it:
 *
 *   trainFrom ──── train ────▶ validationFrom ── validation ──▶ testFrom ── test ──▶ testUntil
 */
export interface Windows {
  /** Milliseconds since 1970; windows begin at midnight UTC so that no basket is cut in two. */
  readonly trainFrom: number;
  readonly validationFrom: number;
  readonly testFrom: number;
  /** The newest line; belongs to the test window. */
  readonly testUntil: number;
}

const midnight = (time: number) => Math.floor(time / DAY_MS) * DAY_MS;

/** The windows for `times` (milliseconds, any order). TerminalError `history-too-short` where one would be empty. */
export function planWindows(times: Float64Array, holdout: Holdout): Windows {
  const sorted = times.filter((time) => Number.isFinite(time)).sort();
  const trainFrom = sorted[0];
  const testUntil = sorted.at(-1);
  if (trainFrom === undefined || testUntil === undefined)
    throw new TerminalError('history-empty', 'The snapshot has no purchase with a date.', {
      remedy: 'Look at the data set: which column is the time, and what does the cleaning leave over?',
    });
  const at = (share: number) => midnight(sorted[Math.floor(share * (sorted.length - 1))] ?? testUntil);
  const [validationFrom, testFrom] =
    'days' in holdout
      ? [
          midnight(testUntil) - (2 * holdout.days - 1) * DAY_MS,
          midnight(testUntil) - (holdout.days - 1) * DAY_MS,
        ]
      : [at(1 - 2 * holdout.quantile), at(1 - holdout.quantile)];
  if (!(trainFrom < validationFrom && validationFrom < testFrom)) {
    const days = (midnight(testUntil) - midnight(trainFrom)) / DAY_MS + 1;
    throw new TerminalError(
      'history-too-short',
      `The purchases span ${days} days, too few for a holdout of ${'days' in holdout ? `${holdout.days} days` : `${holdout.quantile * 100} % of the lines`} twice over.`,
      { remedy: 'Load a longer history, or choose a smaller holdout in the training configuration.' },
    );
  }
  return { trainFrom, validationFrom, testFrom, testUntil };
}

/** What each customer bought in a window, after what history. */
export interface Cases {
  /** Everything before the window: all that a model may see. */
  readonly before: History;
  /** Customers to measure: they bought before the window and in it. Ascending. */
  readonly customers: Int32Array;
  /** Per measured customer, the different items bought in the window that were known before it; ascending. */
  readonly targets: readonly Int32Array[];
  /** Parallel to `targets`: money spent on each in the window, 0 where unknown. Absent where nothing is known of it. */
  readonly values?: readonly Float32Array[];
  /** Customers with purchases in the window but none before. */
  readonly newCustomers: number;
  /** (customer, item) pairs in the window whose item nobody had bought before: no model can know them. */
  readonly newItemPurchases: number;
}

/** The cases of the window `from <= time < until` (milliseconds). */
export function makeCases(lines: Interactions, size: HistorySize, from: number, until: number): Cases {
  const before = buildHistory(lines, size, { until: from }).history;
  const after = buildHistory(lines, size, { from, until }).history;
  const money = moneyByPair(lines, after, from, until);
  const customers: number[] = [];
  const targets: Int32Array[] = [];
  const values: Float32Array[] = [];
  let newCustomers = 0;
  let newItemPurchases = 0;
  for (let c = 0; c < size.customers; c++) {
    const bought = after.item.subarray(after.indptr[c], after.indptr[c + 1]);
    if (bought.length === 0) continue;
    if (before.indptr[c] === before.indptr[c + 1]) {
      newCustomers++;
      continue;
    }
    const known = bought.filter((item) => before.buyers[item]! > 0);
    newItemPurchases += bought.length - known.length;
    if (known.length === 0) continue;
    customers.push(c);
    targets.push(known);
    values.push(Float32Array.from(known, (item) => money[after.indptr[c]! + bought.indexOf(item)]!));
  }
  return {
    before,
    customers: Int32Array.from(customers),
    targets,
    values,
    newCustomers,
    newItemPurchases,
  };
}

/** Money spent on each pair of `history` from `from` until before `until`; what is no positive number counts nothing. */
function moneyByPair(lines: Interactions, history: History, from: number, until: number): Float64Array {
  const money = new Float64Array(history.item.length);
  const { indptr, item } = history;
  for (let n = 0; n < lines.item.length; n++) {
    const time = lines.time[n]!;
    if (!(time >= from && time < until && lines.value[n]! > 0)) continue;
    const c = lines.customer[n]!;
    const start = indptr[c];
    const at = start === undefined ? -1 : item.subarray(start, indptr[c + 1]).indexOf(lines.item[n]!);
    if (at >= 0) money[start! + at]! += lines.value[n]!;
  }
  return money;
}

/**
 * At most `most` of the measured customers, drawn by `seed`; a larger draw by the same seed holds the smaller one. Order
 * stays ascending.
 */
export function sampleCases(cases: Cases, most: number, seed: number): Cases {
  if (cases.customers.length <= most) return cases;
  const drawn = shuffled(cases.customers.keys(), seededRandom(seed))
    .slice(0, most)
    .toSorted((a, b) => a - b);
  return {
    ...cases,
    customers: Int32Array.from(drawn, (n) => cases.customers[n]!),
    targets: drawn.map((n) => cases.targets[n]!),
    ...(cases.values ? { values: drawn.map((n) => cases.values![n]!) } : {}),
  };
}
