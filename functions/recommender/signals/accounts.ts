import type { Steps } from '../steps.ts';
import { monthOf, monthStart, passed, type Pace } from './calendar.ts';
import { makeDaysRoom, orderDays, type Journal } from './journal.ts';
import { deviation, median } from './robust.ts';

/** How each account orders, and how much: arrays by customer. */
export interface Accounts {
  /** Mean and deviation of the logarithm of days between order days; NaN below LEAST_ORDERS of them. */
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
  /** Order days. */
  readonly orders: Int32Array;
  /** Days since 1970; NaN for those who never ordered. */
  readonly last: Float64Array;
  readonly first: Float64Array;
  /** Volume of each of the newest PERIODS times PERIOD_DAYS days, the newest first; NaN before the account began. */
  readonly volumes: Float32Array;
  /** Twelve marks a customer: how open it is in each month; 1 where nothing speaks against it. */
  readonly open: Float32Array;
  /** The longest of its waits as a logarithm; NaN without any. */
  readonly longest: Float32Array;
  /** Whether volumes are money; else lines. */
  readonly money: boolean;
}

/** Days and number of the periods in which an account's volume is compared with itself. */
export const PERIOD_DAYS = 28;
export const PERIODS = 16;
/** Fewer order days than these tell no rhythm. */
export const LEAST_ORDERS = 5;
/** Waits with which the deviation common to all speaks against an account's own. */
const PRIOR_WAITS = 8;
const ASSUMED_DEVIATION = 0.7;
/** Of lines with a value, the share from which volume is money. */
const VALUED = 0.9;

export function* fitAccounts(journal: Journal): Steps<Accounts> {
  const { history, lines, order } = journal;
  const { customers } = history;
  let valued = 0;
  for (const line of order) if (Number.isFinite(lines.value[line]!)) valued++;
  const money = valued >= VALUED * order.length;
  const volume = (line: number) =>
    money ? (Number.isFinite(lines.value[line]!) ? lines.value[line]! : 0) : 1;
  const accounts = {
    mean: new Float32Array(customers).fill(NaN),
    deviation: new Float32Array(customers).fill(NaN),
    orders: new Int32Array(customers),
    last: new Float64Array(customers).fill(NaN),
    first: new Float64Array(customers).fill(NaN),
    volumes: new Float32Array(customers * PERIODS).fill(NaN),
    open: new Float32Array(customers * 12).fill(1),
    longest: new Float32Array(customers).fill(NaN),
  };
  const room = makeDaysRoom();
  for (let customer = 0; customer < customers; customer++) {
    if ((customer & 0xff) === 0xff) yield;
    const days = orderDays(journal, customer, room, volume);
    if (days.count === 0) continue;
    const day = days.day.subarray(0, days.count);
    accounts.orders[customer] = days.count;
    accounts.first[customer] = day[0]!;
    accounts.last[customer] = day.at(-1)!;
    periods(
      accounts.volumes.subarray(customer * PERIODS, (customer + 1) * PERIODS),
      day,
      days.amount,
      history.asOf,
    );
    if (days.count < LEAST_ORDERS) continue;
    openMonths(accounts.open.subarray(customer * 12, customer * 12 + 12), day);
    const pace = openPace(accounts, customer);
    const logs = new Float64Array(days.count - 1);
    for (let n = 1; n < day.length; n++)
      logs[n - 1] = Math.log(Math.max(1, passed(pace, day[n - 1]!, day[n]!)));
    accounts.longest[customer] = logs.reduce((a, b) => Math.max(a, b));
    accounts.mean[customer] = median(logs);
    accounts.deviation[customer] = deviation(logs, accounts.mean[customer]!);
  }
  shrinkDeviations(accounts);
  return { ...accounts, money };
}

/** When the account is open; null where always. */
export function openPace({ open }: Pick<Accounts, 'open'>, customer: number): Pace {
  const months = open.subarray(customer * 12, customer * 12 + 12);
  return months.every((share) => share === 1) ? null : months;
}

function periods(into: Float32Array, day: Float64Array, amount: Float64Array, asOf: number): void {
  const today = Math.floor(asOf);
  const whole = Math.min(PERIODS, Math.floor((today - day[0]! + 1) / PERIOD_DAYS));
  into.fill(0, 0, whole);
  for (let n = 0; n < day.length; n++) {
    const period = Math.floor((today - day[n]!) / PERIOD_DAYS);
    if (period < whole) into[period]! += amount[n]!;
  }
}

/** A month is closed where orders stay away that were to be expected: fewer than a quarter, by far too many to be chance. */
const CLOSED_SHARE = 0.25;
/** Expected order days below which their absence says nothing (e^-4: one in 50). */
const LEAST_EXPECTED = 4;

function openMonths(into: Float32Array, day: Float64Array): void {
  const [from, to] = [day[0]!, day.at(-1)!];
  const seen = new Float64Array(12);
  const there = new Float64Array(12);
  for (const each of day) seen[monthOf(each).month]!++;
  let { year, month } = monthOf(from);
  for (let start = from; start <= to;) {
    const end = Math.min(to + 1, monthStart(year, month + 1));
    there[month]! += end - start;
    start = end;
    if (++month === 12) [year, month] = [year + 1, 0];
  }
  // The rate while open: the median month is one of the open ones.
  const rates = seen.map((n, m) => n / there[m]!).filter((_, m) => there[m]! >= 14);
  if (rates.length < 6) return;
  const rate = median(rates);
  for (let m = 0; m < 12; m++) {
    const expected = rate * there[m]!;
    if (expected >= LEAST_EXPECTED && seen[m]! < CLOSED_SHARE * expected)
      into[m] = Math.max(0.05, seen[m]! / expected);
  }
}

function shrinkDeviations({ deviation: dev, orders }: { deviation: Float32Array; orders: Int32Array }): void {
  const known = Float64Array.from(dev).filter((value) => Number.isFinite(value) && value > 0);
  const common = known.length === 0 ? ASSUMED_DEVIATION : median(known);
  for (let c = 0; c < dev.length; c++) {
    if (!Number.isFinite(dev[c]!)) continue;
    const waits = orders[c]! - 1;
    dev[c] = Math.sqrt((waits * dev[c]! ** 2 + PRIOR_WAITS * common ** 2) / (waits + PRIOR_WAITS));
  }
}
