import { z } from 'zod';
import { damaged, type SectionReader, type SectionWriter } from '../artifact.ts';
import type { Catalogue, History, Interactions } from '../data.ts';
import { requireLength, requireRows } from '../shape.ts';
import { takeTurns, type Steps } from '../steps.ts';
import { fitAccounts, openPace, PERIODS, type Accounts } from './accounts.ts';
import { findCompanions, type Companions } from './companions.ts';
import type { SignalModel } from './due.ts';
import { openJournal } from './journal.ts';
import { fitRhythms, type Rhythms } from './rhythms.ts';
import { findSeasons, type Seasons } from './seasons.ts';
import { findSupersessions, type Supersession } from './supersessions.ts';

/** What a version knows of its accounts' habits, beside what it recommends: no customer is needed that trained it. */
export interface Signals extends SignalModel {
  readonly companions: Companions;
  readonly supersessions: readonly Supersession[];
}

/**
 * Signals of the purchases that `history` was built from. One pass over the lines and a few over the pairs; beside the
 * result, eight bytes a line while it works. The same lines give the same signals, in any order of theirs. Lets the event
 * loop breathe; an abort ends it with the signal's reason.
 */
export function fitSignals(
  lines: Interactions,
  history: History,
  items: Catalogue,
  signal?: AbortSignal,
): Promise<Signals> {
  return takeTurns(signalSteps(lines, history, items), signal);
}

/** The same, step by step. */
export function* signalSteps(lines: Interactions, history: History, items: Catalogue): Steps<Signals> {
  const journal = yield* openJournal(lines, history);
  const seasons = yield* findSeasons(journal, items);
  const accounts = yield* fitAccounts(journal);
  const rhythms = yield* fitRhythms(journal, seasons, (customer) => openPace(accounts, customer));
  const companions = yield* findCompanions(journal);
  const supersessions = yield* findSupersessions(journal, items);
  return { history, seasons, accounts, rhythms, companions, supersessions };
}

const RHYTHMS = ['mean', 'deviation', 'usual', 'value'] as const;
const ACCOUNTS = ['mean', 'deviation', 'volumes', 'open', 'longest'] as const;

export function saveSignals(writer: SectionWriter, signals: Signals): void {
  const { seasons, rhythms, accounts, companions } = signals;
  writer.array('seasons/item', seasons.paceOfItem);
  writer.array('seasons/paces', seasons.paces);
  for (const name of RHYTHMS) writer.array(`rhythms/${name}`, rhythms[name]);
  writer.array('rhythms/waits', rhythms.waits);
  for (const name of ACCOUNTS) writer.array(`accounts/${name}`, accounts[name]);
  writer.array('accounts/orders', accounts.orders);
  writer.array('accounts/first', accounts.first);
  writer.array('accounts/last', accounts.last);
  writer.array('companions/indptr', companions.together.indptr);
  writer.array('companions/index', companions.together.index);
  writer.array('companions/times', companions.together.weight);
  writer.array('companions/days', companions.days);
  writer.value('head', {
    weekdays: [...seasons.weekdays],
    ends: rhythms.ends,
    money: accounts.money,
    supersessions: [...signals.supersessions],
  } satisfies z.input<typeof Head>);
}

const Head = z.object({
  weekdays: z.array(z.int().min(0).max(1)).length(7),
  ends: z.number().gt(0).lt(1),
  money: z.boolean(),
  supersessions: z.array(
    z.object({
      ended: z.int().min(0),
      successor: z.int().min(0),
      lastSold: z.number(),
      firstSold: z.number(),
      moved: z.int(),
      of: z.int(),
      names: z.number(),
      confidence: z.number(),
    }),
  ),
});

/** What `saveSignals` wrote, for `history`; TerminalError `artifact-damaged` where its arrays do not fit. */
export function loadSignals(reader: SectionReader, history: History): Signals {
  const head = reader.value('head', Head);
  const pairs = history.item.length;
  const { customers, items } = history;
  const f32 = (name: string, length: number) => {
    const values = reader.f32(name);
    requireLength(`signals/${name}`, values, length);
    return values;
  };
  const i32 = (name: string, length: number) => {
    const values = reader.i32(name);
    requireLength(`signals/${name}`, values, length);
    return values;
  };
  const f64 = (name: string, length: number) => {
    const values = reader.f64(name);
    requireLength(`signals/${name}`, values, length);
    return values;
  };
  return {
    history,
    seasons: loadSeasons(reader, i32('seasons/item', items), head.weekdays),
    rhythms: {
      mean: f32('rhythms/mean', pairs),
      deviation: f32('rhythms/deviation', pairs),
      usual: f32('rhythms/usual', pairs),
      value: f32('rhythms/value', pairs),
      waits: i32('rhythms/waits', pairs),
      ends: head.ends,
    } satisfies Rhythms,
    accounts: {
      mean: f32('accounts/mean', customers),
      deviation: f32('accounts/deviation', customers),
      longest: f32('accounts/longest', customers),
      volumes: f32('accounts/volumes', customers * PERIODS),
      open: f32('accounts/open', customers * 12),
      orders: i32('accounts/orders', customers),
      first: f64('accounts/first', customers),
      last: f64('accounts/last', customers),
      money: head.money,
    } satisfies Accounts,
    companions: loadCompanions(reader, i32('companions/days', items), items),
    supersessions: head.supersessions.map((one) => requireItems(one, items)),
  };
}

function requireItems(one: Supersession, items: number): Supersession {
  for (const name of ['ended', 'successor'] as const)
    if (one[name] >= items)
      throw damaged(`signals/head: a supersession's ${name} item is ${one[name]}, of ${items} items`);
  return one;
}

function loadSeasons(reader: SectionReader, paceOfItem: Int32Array, weekdays: readonly number[]): Seasons {
  const paces = reader.f32('seasons/paces');
  const rows = paceOfItem.reduce((most, row) => Math.max(most, row + 1), 0);
  requireLength('signals/seasons/paces', paces, rows * 12);
  return { paceOfItem, paces, weekdays: Uint8Array.from(weekdays) };
}

function loadCompanions(reader: SectionReader, days: Int32Array, items: number): Companions {
  const together = {
    rows: items,
    columns: items,
    indptr: reader.i32('companions/indptr'),
    index: reader.i32('companions/index'),
    weight: reader.f32('companions/times'),
  };
  requireRows('signals/companions', together, items, items);
  requireLength('signals/companions/times', together.weight, together.index.length);
  return { together, days };
}
