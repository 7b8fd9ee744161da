import type { z } from 'zod';
import {
  ACCOUNT_TROUBLES,
  listAccountsAtRisk,
  listDue,
  listForgotten,
  listSupersessions,
  listWhiteSpace,
} from '#core/api/account-signals';
import { TerminalError } from '#core/errors';
import { toMoment } from '#core/ids';
import { DAY_MS } from '#recommender/data';
import type { Recommender } from '#recommender/recommend';
import { accountState, marketTrend, type AccountState } from '#recommender/signals/at-risk';
import { dueItems } from '#recommender/signals/due';
import type { Signals } from '#recommender/signals/fit';
import { forgottenItems } from '#recommender/signals/forgotten';
import { makeWhiteSpaces, type WhiteSpace, type WhiteSpaces } from '#recommender/signals/white-space';
import {
  dateOf,
  describeDue,
  describeForgotten,
  describeState,
  describeSupersession,
  describeWhiteSpace,
} from '#recommender/signals/words';
import { takeTurns, type Steps } from '#recommender/steps';
import { type Route, route } from '#runtime/answer';

/** What the answers are made of: no model, but what was learned beside it. */
type Known = Pick<Recommender, 'customers' | 'items' | 'history' | 'signals' | 'customerId' | 'itemId'>;

/** The routes that tell whom to call and about what, over one version. */
export function signalRoutes(recommender: Known, version: string): Route[] {
  const { items, customers } = recommender;
  const name = (catalogue: typeof items, id: number) => ({
    id: catalogue.keys[id] ?? '',
    name: catalogue.names[id] ?? null,
  });
  const customer = (id: number) => name(customers, id);
  const item = (id: number) => name(items, id);
  const asOf = () => ({ version, asOf: toMoment(recommender.history.asOf * DAY_MS) });
  // Both look at all accounts once, and only where somebody asks.
  let spaces: Promise<WhiteSpaces> | null = null;
  let market: number | null = null;

  return [
    route(listDue, async ({ body }) => {
      const signals = requireSignals(recommender, version);
      const { ids, unknown } = idsOf(recommender, body.customers);
      const question = {
        at: recommender.history.asOf,
        horizon: body.withinDays,
        leastChance: body.leastConfidence,
      };
      const due = ids
        .flatMap((id) => dueItems(signals, id, question).map((one) => ({ id, ...one })))
        .sort((a, b) => b.chance - a.chance || a.id - b.id || a.item - b.item);
      const { rows, next } = page(due, body);
      return {
        ...asOf(),
        unknown,
        next,
        items: rows.map((one) => ({
          customer: customer(one.id),
          item: item(one.item),
          interval: one.interval,
          intervalFrom: one.from,
          times: one.times,
          lastBought: dateOf(one.last),
          expected: dateOf(one.expected),
          late: one.late,
          confidence: one.chance,
          quantity: one.usual,
          reason: describeDue(one),
        })),
      };
    }),
    route(listForgotten, async ({ body }) => {
      const signals = requireSignals(recommender, version);
      const id = body.customer === null ? null : recommender.customerId(body.customer);
      const basket = body.basket.map((key) => recommender.itemId(key)).filter((known) => known !== null);
      const found = forgottenItems(signals, id, basket, { at: recommender.history.asOf, limit: body.limit });
      return {
        ...asOf(),
        known: id !== null,
        items: found.map((one) => ({
          item: item(one.item),
          because: one.evidence.kind,
          confidence: one.chance,
          quantity: usualOf(signals, id, one.item),
          reason: describeForgotten(one, items),
        })),
      };
    }),
    route(listWhiteSpace, async ({ body }) => {
      const signals = requireSignals(recommender, version);
      const { ids, unknown } = idsOf(recommender, body.customers);
      spaces ??= takeTurns(makeWhiteSpaces(signals, items));
      const answers = await spaces;
      const found = await takeTurns(spacesOf(answers, ids, body.perCustomer));
      const { rows, next } = page(found, body);
      const { money } = signals.accounts;
      return {
        ...asOf(),
        unknown,
        next,
        items: rows.map(({ id, space }) => ({
          customer: customer(id),
          category: space.category,
          similar: space.similar,
          of: space.of,
          everybody: space.everybody,
          yearlyValue: money ? space.yearly : null,
          items: space.items.map((one) => ({ ...item(one.item), buyers: one.buyers })),
          reason: describeWhiteSpace(space, money),
        })),
      };
    }),
    route(listAccountsAtRisk, async ({ body }) => {
      const signals = requireSignals(recommender, version);
      const { ids, unknown } =
        body.customers === undefined
          ? { ids: customers.keys.map((_, id) => id), unknown: [] }
          : idsOf(recommender, body.customers);
      market ??= marketTrend(signals.accounts);
      const trend = market;
      const states = ids
        .map((id) => accountState(signals, id, recommender.history.asOf, trend))
        .flatMap((state) => troubleOf(state, body.kinds))
        .sort((a, b) => (b.state.yearly ?? 0) - (a.state.yearly ?? 0) || a.state.customer - b.state.customer);
      const { rows, next } = page(states, body);
      const { money } = signals.accounts;
      return {
        ...asOf(),
        unknown,
        next,
        items: rows.map(({ kind, state }) => ({
          customer: customer(state.customer),
          kind,
          orders: state.orders,
          lastOrdered: dateOf(state.last),
          silentDays: state.silent,
          interval: state.interval,
          volume: state.volume,
          expected: state.expected,
          yearlyVolume: state.yearly,
          volumeIs: money ? ('money' as const) : ('lines' as const),
          reason: describeState(state, money),
        })),
      };
    }),
    route(listSupersessions, async ({ body }) => {
      const { rows, next } = page(requireSignals(recommender, version).supersessions, body);
      return {
        ...asOf(),
        unknown: [],
        next,
        items: rows.map((one) => ({
          ended: item(one.ended),
          successor: item(one.successor),
          lastSold: dateOf(one.lastSold),
          firstSold: dateOf(one.firstSold),
          moved: one.moved,
          of: one.of,
          confidence: one.confidence,
          reason: describeSupersession(one),
        })),
      };
    }),
  ];
}

/** What each of `ids` leaves out. */
function* spacesOf(
  spaces: WhiteSpaces,
  ids: readonly number[],
  limit: number,
): Steps<{ id: number; space: WhiteSpace }[]> {
  const found: { id: number; space: WhiteSpace }[] = [];
  for (const id of ids) {
    for (const space of spaces.of(id, limit)) found.push({ id, space });
    yield;
  }
  return found;
}

/** @throws TerminalError `artifact-incomplete` where the version was trained before there were signals. */
function requireSignals({ signals }: Known, version: string): Signals {
  if (signals !== null) return signals;
  throw new TerminalError(
    'artifact-incomplete',
    `Version ${version} was trained without signals of accounts.`,
    {
      remedy: 'Train and deploy the model again with this version of Tradewind.',
    },
  );
}

/** Ids of the known ones, each once, and the keys of the others. */
function idsOf(recommender: Known, keys: readonly string[]): { ids: number[]; unknown: string[] } {
  const ids = new Set<number>();
  const unknown = new Set<string>();
  for (const key of keys) {
    const id = recommender.customerId(key);
    if (id === null) unknown.add(key);
    else ids.add(id);
  }
  return { ids: [...ids], unknown: [...unknown] };
}

function page<T>(
  all: readonly T[],
  { limit, after }: { limit: number; after?: string | undefined },
): { rows: readonly T[]; next: string | null } {
  const from = Number(after ?? 0);
  const until = from + limit;
  return { rows: all.slice(from, until), next: until < all.length ? String(until) : null };
}

type Trouble = (typeof ACCOUNT_TROUBLES)[number];

/** The gravest of the wanted kinds that holds. */
function troubleOf(
  state: AccountState | null,
  wanted: z.output<typeof listAccountsAtRisk.body>['kinds'],
): { kind: Trouble; state: AccountState }[] {
  if (state === null) return [];
  const holds: Record<Trouble, boolean> = {
    lapsed: state.rhythm === 'lapsed',
    shrinking: state.trend === 'shrinking' && state.rhythm !== 'lapsed',
    late: state.rhythm === 'late',
  };
  const kind = (['lapsed', 'shrinking', 'late'] as const).find((one) => holds[one] && wanted.includes(one));
  return kind === undefined ? [] : [{ kind, state }];
}

function usualOf({ history, rhythms }: Signals, customer: number | null, item: number): number | null {
  if (customer === null) return null;
  const from = history.indptr[customer]!;
  const at = history.item.subarray(from, history.indptr[customer + 1]).indexOf(item);
  return at < 0 ? null : rhythms.usual[from + at]!;
}
