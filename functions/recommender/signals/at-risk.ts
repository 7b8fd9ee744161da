import { passed } from './calendar.ts';
import { LEAST_ORDERS, openPace, PERIOD_DAYS, PERIODS, type Accounts } from './accounts.ts';
import type { SignalModel } from './due.ts';
import { deviation, median } from './robust.ts';
import { stillWaiting } from './waiting.ts';

/** How an account stands against its own rhythm and volume. */
export interface AccountState {
  readonly customer: number;
  /** `late`: silent for longer than nine of ten of its waits; `lapsed`: beyond what its own waits explain. */
  readonly rhythm: 'unknown' | 'on-time' | 'late' | 'lapsed';
  readonly trend: 'unknown' | 'shrinking' | 'steady' | 'growing';
  readonly orders: number;
  /** Days since 1970. */
  readonly last: number;
  /** Usual days between order days; null where unknown. */
  readonly interval: number | null;
  /** Days since the last order. */
  readonly silent: number;
  /** The chance that a wait of this account is as long as this silence. */
  readonly chance: number | null;
  /** Volume of the newest twelve weeks, and what the account's former rate and everybody's trend make expect; null where unknown. */
  readonly volume: number | null;
  readonly expected: number | null;
  /** What it would bring in a year at the former rate: what is at stake. */
  readonly yearly: number | null;
}

/** One wait in so many is long enough to be called late, or lapsed. */
const LATE = 0.1;
const LAPSED = 0.004;
/** Nobody lapses within days, however regular. */
const LEAST_SILENCE = 21;
/** Nor in its first year, in which every month may turn out to be one that it is closed in. */
const LEAST_SILENCE_FIRST_YEAR = 60;
/** Past the longest wait of its own, by so many times. */
const BEYOND_LONGEST = 1.25;

/** Newest periods that are compared with those before: twelve weeks with up to a year. */
const RECENT = 3;
const FORMER = 13;
/** Former periods below which nothing is said. */
const LEAST_FORMER = 5;
/** Shrunk: below so much of what was to be expected, and by so many of its own deviations. */
const SHRUNK = { share: 0.6, deviations: 2 };

/** The state of `customer` at `at` (days since 1970, not before the history's end); null where it never ordered. `market`: see `marketTrend`. */
export function accountState(
  model: Pick<SignalModel, 'accounts'>,
  customer: number,
  at: number,
  market: number,
): AccountState | null {
  const { accounts } = model;
  const last = accounts.last[customer]!;
  if (!Number.isFinite(last)) return null;
  const today = Math.max(last, Math.floor(at));
  const orders = accounts.orders[customer]!;
  const known = orders >= LEAST_ORDERS;
  const rhythm = known ? rhythmOf(accounts, customer, last, today) : null;
  return {
    customer,
    orders,
    last,
    silent: today - last,
    rhythm: rhythm?.rhythm ?? 'unknown',
    interval: rhythm?.interval ?? null,
    chance: rhythm?.chance ?? null,
    ...volumeOf(accounts, customer, market, rhythm?.rhythm === 'lapsed'),
  };
}

function rhythmOf(
  accounts: Accounts,
  customer: number,
  last: number,
  today: number,
): Pick<AccountState, 'rhythm' | 'interval' | 'chance'> {
  const waiting = { mean: accounts.mean[customer]!, deviation: accounts.deviation[customer]! };
  const silent = passed(openPace(accounts, customer), last, today);
  const chance = stillWaiting(waiting, silent);
  const longest = Math.exp(accounts.longest[customer]!);
  const least = today - accounts.first[customer]! < 365 ? LEAST_SILENCE_FIRST_YEAR : LEAST_SILENCE;
  const lapsed = chance < LAPSED && silent >= least && silent > BEYOND_LONGEST * longest;
  return {
    interval: Math.exp(waiting.mean),
    chance,
    rhythm: lapsed ? 'lapsed' : chance < LATE ? 'late' : 'on-time',
  };
}

function volumeOf(
  accounts: Accounts,
  customer: number,
  market: number,
  lapsed: boolean,
): Pick<AccountState, 'trend' | 'volume' | 'expected' | 'yearly'> {
  const all = accounts.volumes.subarray(customer * PERIODS, (customer + 1) * PERIODS);
  const former = Float64Array.from(all.subarray(RECENT, RECENT + FORMER)).filter(Number.isFinite);
  const nothing = { trend: 'unknown', volume: null, expected: null, yearly: null } as const;
  if (former.length < LEAST_FORMER || accounts.orders[customer]! < LEAST_ORDERS) return nothing;
  const volume = all.subarray(0, RECENT).reduce((a, b) => a + b, 0);
  // A mean that one project does not move: the largest period counts no more than the second largest.
  const sorted = former.toSorted();
  const capped = sorted.map((value) => Math.min(value, sorted[sorted.length - 2]!));
  const rate = capped.reduce((a, b) => a + b, 0) / capped.length;
  if (rate <= 0) return nothing;
  const expected = rate * RECENT * market;
  const noise = deviation(former.slice(), median(former.slice())) / Math.sqrt(RECENT);
  const fall = (rate * market - volume / RECENT) / Math.max(noise, 0.1 * rate);
  const share = volume / expected;
  const trend =
    lapsed || (share < SHRUNK.share && fall > SHRUNK.deviations)
      ? 'shrinking'
      : share > 1 / SHRUNK.share && fall < -SHRUNK.deviations
        ? 'growing'
        : 'steady';
  return { trend, volume, expected, yearly: (rate * 365) / PERIOD_DAYS };
}

/** What the newest twelve weeks of all accounts are to the year before, by the median account: seasons and trend of everybody. */
export function marketTrend(accounts: Accounts): number {
  const ratios: number[] = [];
  for (let c = 0; c < accounts.orders.length; c++) {
    const all = accounts.volumes.subarray(c * PERIODS, (c + 1) * PERIODS);
    const former = all.subarray(RECENT, RECENT + FORMER).filter(Number.isFinite);
    const before = former.reduce((a, b) => a + b, 0) / former.length;
    const recent = all.subarray(0, RECENT).reduce((a, b) => a + b, 0) / RECENT;
    if (former.length >= LEAST_FORMER && before > 0 && recent > 0) ratios.push(recent / before);
  }
  return ratios.length < 20 ? 1 : Math.min(2, Math.max(0.5, median(Float64Array.from(ratios))));
}
