import { profileOf, type History } from '../data.ts';
import { after, nextOpen, passed, paceOf } from './calendar.ts';
import { openPace, type Accounts } from './accounts.ts';
import { waitingOf, type Rhythms } from './rhythms.ts';
import { itemPace, type Seasons } from './seasons.ts';
import { alive, endsWithin, wholeWait } from './waiting.ts';

/** What signals are computed from: all of one version. */
export interface SignalModel {
  readonly history: History;
  readonly seasons: Seasons;
  readonly rhythms: Rhythms;
  readonly accounts: Accounts;
}

/** An item that an account buys again and again, and when next. */
export interface Due {
  readonly item: number;
  /** Days on which it was bought. */
  readonly times: number;
  /** Days since 1970. */
  readonly last: number;
  /** Usual days between two purchases, at this time of the year. */
  readonly interval: number;
  /** The day on which the next purchase is expected, days since 1970. */
  readonly expected: number;
  /** Days past the usual interval; negative before it. */
  readonly late: number;
  /** The chance that the account still uses the item. */
  readonly inUse: number;
  /** The chance that it is ordered within the horizon. */
  readonly chance: number;
  /** Units usually bought at once. */
  readonly usual: number;
  /** Whether the interval is the account's own, or other accounts' where it has bought on one day only. */
  readonly from: 'own' | 'others';
}

/** The next purchase of the pair at place `p` of the history; null where nothing tells its interval. */
export function nextPurchase(
  model: SignalModel,
  customer: number,
  p: number,
  { at, horizon }: { at: number; horizon: number },
): Due | null {
  const { history, seasons, rhythms, accounts } = model;
  const waiting = waitingOf(rhythms, p);
  if (waiting === null) return null;
  const item = history.item[p]!;
  const last = Math.floor(history.last[p]!);
  const pace = paceOf(itemPace(seasons, item), openPace(accounts, customer));
  const today = Math.max(last, Math.floor(at));
  const silent = passed(pace, last, today);
  const usual = after(pace, last, Math.exp(waiting.mean));
  const inUse = alive(waiting, silent, rhythms.ends);
  const more = passed(pace, today, today + horizon);
  return {
    item,
    times: rhythms.waits[p]! + 1,
    last,
    interval: usual - last,
    expected: nextOpen(Math.round(after(pace, last, wholeWait(waiting, silent))), seasons.weekdays),
    late: today - Math.round(usual),
    inUse,
    chance: inUse * endsWithin(waiting, silent, more),
    usual: rhythms.usual[p]!,
    from: rhythms.waits[p]! > 0 ? 'own' : 'others',
  };
}

/** What asks for what is due. */
export interface DueQuestion {
  /** The moment asked about, days since 1970. */
  readonly at: number;
  /** Days ahead in which an item counts as due. */
  readonly horizon: number;
  /** Items with a smaller chance of being ordered in that time are left out, 0 … 1. */
  readonly leastChance: number;
}

/**
 * What `customer` is due to order within the horizon, likeliest first (of equals the smaller id). Left out: what is
 * probably used no more (even chances), and what was bought once where no others tell an interval.
 */
export function dueItems(model: SignalModel, customer: number, question: DueQuestion): Due[] {
  const { history } = model;
  const due: Due[] = [];
  for (let p = history.indptr[customer]!; p < history.indptr[customer + 1]!; p++) {
    const next = nextPurchase(model, customer, p, question);
    if (next === null || next.inUse < 0.5 || next.chance < question.leastChance) continue;
    if (next.expected <= question.at + question.horizon) due.push(next);
  }
  return due.sort((a, b) => b.chance - a.chance || a.item - b.item);
}

/** Whether `customer` bought anything at all. */
export function hasBought(model: SignalModel, customer: number): boolean {
  return profileOf(model.history, customer).items.length > 0;
}
