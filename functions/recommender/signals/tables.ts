import type { ColumnType } from '#core/column';
import type { Catalogue } from '../data.ts';
import { accountState, marketTrend } from './at-risk.ts';
import { dueItems } from './due.ts';
import type { Signals } from './fit.ts';
import { makeWhiteSpaces } from './white-space.ts';
import { describeDue, describeState, describeSupersession, describeWhiteSpace } from './words.ts';

/*
 * All signals of a version as tables, for reports and campaigns: what the endpoints answer, for every account at once.
 * Keys and names are the company's own; days are DATEs; every row names the version and the moment it stands on.
 */

/** A column and its values: text, numbers, or days since 1970; null where unknown. */
interface SignalColumn {
  readonly name: string;
  readonly type: Extract<ColumnType, 'STRING' | 'INT64' | 'FLOAT64' | 'DATE' | 'TIMESTAMP'>;
}
export type Cell = string | number | null;

export interface SignalTable {
  readonly name: string;
  readonly columns: readonly SignalColumn[];
  /**
   * In the order of the columns, without those that all tables share (SHARED_COLUMNS); null, now and then, where it has
   * worked for a while and there is none: whoever takes the rows may see to something else meanwhile.
   */
  rows(source: SignalSource): Generator<readonly Cell[] | null>;
}

export interface SignalSource {
  readonly signals: Signals;
  readonly customers: Catalogue;
  readonly items: Catalogue;
}

/** What every row begins with: `version`, and `as_of` in milliseconds since 1970. */
export const SHARED_COLUMNS: readonly SignalColumn[] = [
  { name: 'version', type: 'STRING' },
  { name: 'as_of', type: 'TIMESTAMP' },
];

const text = (name: string): SignalColumn => ({ name, type: 'STRING' });
const whole = (name: string): SignalColumn => ({ name, type: 'INT64' });
const number = (name: string): SignalColumn => ({ name, type: 'FLOAT64' });
const day = (name: string): SignalColumn => ({ name, type: 'DATE' });
const named = (what: string) => [text(what), text(`${what}_name`)];
const namesOf = ({ keys, names }: Catalogue, id: number): [string, string | null] => [
  keys[id] ?? '',
  names[id] ?? null,
];

/** Days ahead, and the chance from which a row is worth its place. */
const DUE = { horizon: 30, leastChance: 0.2 };
/** White space costs a look at all similar accounts: of more accounts, those with the most orders. */
const WHITE_SPACE = { accounts: 20_000, perAccount: 5 };

export const SIGNAL_TABLES: readonly SignalTable[] = [
  {
    name: 'signals_due',
    columns: [
      ...named('customer'),
      ...named('item'),
      number('interval_days'),
      text('interval_from'),
      whole('times'),
      day('last_bought'),
      day('expected'),
      whole('late_days'),
      number('confidence'),
      number('quantity'),
      text('reason'),
    ],
    *rows({ signals, customers, items }) {
      const question = { at: signals.history.asOf, ...DUE };
      for (let c = 0; c < signals.history.customers; c++) {
        yield null;
        for (const due of dueItems(signals, c, question))
          yield [
            ...namesOf(customers, c),
            ...namesOf(items, due.item),
            due.interval,
            due.from,
            due.times,
            due.last,
            due.expected,
            due.late,
            due.chance,
            due.usual,
            describeDue(due),
          ];
      }
    },
  },
  {
    name: 'signals_accounts',
    columns: [
      ...named('customer'),
      text('rhythm'),
      text('trend'),
      whole('orders'),
      day('last_ordered'),
      whole('silent_days'),
      number('interval_days'),
      number('volume'),
      number('expected_volume'),
      number('yearly_volume'),
      text('volume_is'),
      text('reason'),
    ],
    *rows({ signals, customers }) {
      const { accounts, history } = signals;
      const market = marketTrend(accounts);
      for (let c = 0; c < history.customers; c++) {
        const state = accountState(signals, c, history.asOf, market);
        if (state === null) {
          yield null;
          continue;
        }
        yield [
          ...namesOf(customers, c),
          state.rhythm,
          state.trend,
          state.orders,
          state.last,
          state.silent,
          state.interval,
          state.volume,
          state.expected,
          state.yearly,
          accounts.money ? 'money' : 'lines',
          describeState(state, accounts.money),
        ];
      }
    },
  },
  {
    name: 'signals_white_space',
    columns: [
      ...named('customer'),
      text('category'),
      whole('similar'),
      whole('similar_of'),
      number('everybody'),
      number('yearly_value'),
      text('reason'),
    ],
    *rows({ signals, customers, items }) {
      const steps = makeWhiteSpaces(signals, items);
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) yield null;
      const spaces = step.value;
      const { money } = signals.accounts;
      for (const c of busiest(signals.accounts.orders, WHITE_SPACE.accounts)) {
        yield null;
        for (const space of spaces.of(c, WHITE_SPACE.perAccount))
          yield [
            ...namesOf(customers, c),
            space.category,
            space.similar,
            space.of,
            space.everybody,
            money ? space.yearly : null,
            describeWhiteSpace(space, money),
          ];
      }
    },
  },
  {
    name: 'signals_supersessions',
    columns: [
      ...named('ended'),
      ...named('successor'),
      day('last_sold'),
      day('first_sold'),
      whole('moved'),
      whole('moved_of'),
      number('confidence'),
      text('reason'),
    ],
    *rows({ signals, items }) {
      for (const one of signals.supersessions)
        yield [
          ...namesOf(items, one.ended),
          ...namesOf(items, one.successor),
          one.lastSold,
          one.firstSold,
          one.moved,
          one.of,
          one.confidence,
          describeSupersession(one),
        ];
    },
  },
];

/** The `most` customers with the most orders, ascending. */
function busiest(orders: Int32Array, most: number): number[] {
  const all = Array.from(orders, (_, c) => c);
  if (all.length <= most) return all;
  return all
    .sort((a, b) => orders[b]! - orders[a]! || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}
