import type { z } from 'zod';
import {
  getHistory,
  giveFeedback,
  likelyBuyers,
  listCustomers,
  nextOrder,
  recommend,
  rerank,
  similar,
} from '#core/api/recommend';
import { verifyLists } from '#core/api/verify';
import type { RecommenderEnv } from '#core/container-env';
import { TerminalError } from '#core/errors';
import { toMoment } from '#core/ids';
import { DAY_MS, type Profile } from '#recommender/data';
import { describeEvidence } from '#recommender/explain';
import { describeSuggestion } from '#recommender/packs';
import type { Ranked } from '#recommender/rank';
import type { Offer, Recommender } from '#recommender/recommend';
import type { Selection } from '#recommender/select';
import { type Route, route } from '#runtime/answer';
import { InputError } from '#runtime/problem';
import { makeId, now, type Store } from '#store/store';
import type { FeedbackLog } from './feedback-log.ts';
import type { Prediction, PredictionLog } from './prediction-log.ts';
import { profileFor, selectionOf, translate } from './question.ts';
import { signalRoutes } from './signal-routes.ts';

/** What answers stand on besides the version itself. */
export interface Surroundings {
  readonly env: Pick<RecommenderEnv, 'TRADEWIND_VERSION' | 'TRADEWIND_DEPLOYMENT'>;
  readonly store: Store;
  readonly predictions: PredictionLog;
  readonly feedback: FeedbackLog;
}

/** The recommender service's routes over one version. */
export function recommenderRoutes(recommender: Recommender, around: Surroundings): Route[] {
  const version = around.env.TRADEWIND_VERSION;
  const byKey = sortedByKey(recommender.customers.keys);
  return [
    route(recommend, async ({ body }) => recommendTo(recommender, around, body)),
    route(nextOrder, async ({ body }) => nextOrderOf(recommender, around, body)),
    route(rerank, async ({ body }) => rerankFor(recommender, around, body)),
    route(similar, async ({ body }) => similarTo(recommender, around, body)),
    route(likelyBuyers, async ({ body }) => buyersOf(recommender, around, body)),
    route(giveFeedback, async ({ body, caller }) => {
      requireOurDays(body.outcomes, around.store.clock());
      return { accepted: around.feedback.add(body, caller.actor, now(around.store)) };
    }),
    route(getHistory, async ({ body }) => historyOf(recommender, body.customer, body.limit)),
    route(listCustomers, async ({ body }) => {
      const wanted = body.search.toLowerCase();
      const { keys, names } = recommender.customers;
      const fits = (id: number) =>
        keys[id]!.toLowerCase().includes(wanted) || (names[id] ?? '').toLowerCase().includes(wanted);
      const items = Array.from(byKey.filter(fits).subarray(0, body.limit), (id) => ({
        id: keys[id]!,
        name: names[id] ?? null,
        items: recommender.profile(id).items.length,
      }));
      return { items };
    }),
    route(verifyLists, async ({ body }) => ({
      version,
      lists: body.lists.map(({ customer, slot }) => ({
        customer,
        slot,
        // A customer's own question, its defaults included, answered by what answers customers.
        items: listFor(
          recommender,
          around,
          recommend.body.parse({ customer, slot, limit: body.limit }),
        ).items.map(({ id }) => id),
      })),
    })),
    ...signalRoutes(recommender, version),
  ];
}

/** BigQuery takes no row of a partition far from today, and refuses all that come with it: so none is let in. */
const FEEDBACK_DAYS = { back: 365, ahead: 1 };

/** @throws InputError for the first outcome that happened too long ago, or has not happened yet. */
function requireOurDays(outcomes: z.output<typeof giveFeedback.body>['outcomes'], clock: number): void {
  outcomes.forEach(({ at }, n) => {
    const days = at === undefined ? 0 : (Date.parse(at) - clock) / DAY_MS;
    if (days < -FEEDBACK_DAYS.back || days > FEEDBACK_DAYS.ahead)
      throw new InputError('body', [
        {
          path: `outcomes.${n}.at`,
          message: `must lie within the last ${FEEDBACK_DAYS.back} days, and no more than a day ahead`,
        },
      ]);
  });
}

/** The ids of `keys` in the order of their keys. */
function sortedByKey(keys: readonly string[]): Int32Array {
  const ids = Int32Array.from(keys, (_, id) => id);
  return ids.sort((a, b) => (keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : a - b));
}

type Question = z.output<typeof recommend.body>;
type Answer = z.input<typeof recommend.answer>;

function recommendTo(recommender: Recommender, around: Surroundings, question: Question): Answer {
  const began = performance.now();
  const answer = listFor(recommender, around, question);
  return answered(around, answer, {
    kind: 'recommend',
    slot: question.slot,
    customer: 'customer' in question ? question.customer : null,
    context: 'basket' in question ? question.basket : [],
    began,
  });
}

type List = Pick<Answer, 'items' | 'known' | 'unknownItems'>;

/** The list that answers a question; nothing is logged. */
function listFor(recommender: Recommender, around: Pick<Surroundings, 'store'>, question: Question): List {
  if ('basket' in question && question.slot === 'reorder')
    throw new InputError('body', [
      { path: 'slot', message: 'a basket has no earlier purchases to order again; ask for "discover"' },
    ]);
  const { slot, explain, excludeBought } = question;
  return offersFor(recommender, around, question, (profile, selection) =>
    recommender.recommend(profile, {
      ...selection,
      slot,
      explain,
      basket: 'basket' in question,
      includeBought: !excludeBought,
    }),
  );
}

/** Asks with a question's profile and options, and gives the offers as an answer has them. */
function offersFor(
  recommender: Recommender,
  { store }: Pick<Surroundings, 'store'>,
  question: Question | z.output<typeof nextOrder.body>,
  ask: (profile: Profile, selection: Omit<Selection, 'slot'>) => readonly Offer[],
): List {
  const keys = translate(recommender);
  const asked = profileFor(recommender, question, keys, store.clock());
  const offers = ask(asked.profile, selectionOf(recommender, question, keys));
  const items = offers.map((offer) => ({
    ...shown(recommender, offer, { now: store.clock(), basket: asked.basket }),
    quantity: question.quantities ? quantityOf(recommender, asked.profile, offer.item) : null,
  }));
  return { items, known: asked.known, unknownItems: [...keys.unknown] };
}

function shown(
  recommender: Recommender,
  { item, score, slot, evidence }: Offer,
  words: { now: number; basket: boolean },
) {
  const reason = evidence === null ? '' : describeEvidence(evidence, recommender.items, words);
  return { ...named(recommender, item), score, slot, reason };
}

function quantityOf(recommender: Recommender, profile: Profile, item: number) {
  const found = recommender.quantity(profile, item);
  return found && { quantity: found.quantity, pack: found.lot, reason: describeSuggestion(found) };
}

function nextOrderOf(
  recommender: Recommender,
  around: Surroundings,
  question: z.output<typeof nextOrder.body>,
): Answer {
  const began = performance.now();
  const { explain, discoverShare, customer } = question;
  const answer = offersFor(recommender, around, question, (profile, selection) =>
    recommender.nextOrder(profile, { ...selection, explain }, discoverShare),
  );
  return answered(around, answer, { kind: 'next-order', slot: 'next-order', customer, context: [], began });
}

function rerankFor(
  recommender: Recommender,
  around: Surroundings,
  question: z.output<typeof rerank.body>,
): Answer {
  const began = performance.now();
  const keys = translate(recommender);
  const now = around.store.clock();
  const { profile, known, basket } = profileFor(recommender, question, keys, now);
  const items = recommender
    .rerank(profile, keys.items(question.items))
    .map((offer) => shown(recommender, offer, { now, basket }));
  return answered(
    around,
    { items, known, unknownItems: [...keys.unknown] },
    {
      kind: 'rerank',
      slot: 'rerank',
      began,
      customer: 'customer' in question ? question.customer : null,
      context: question.items,
    },
  );
}

function similarTo(
  recommender: Recommender,
  around: Surroundings,
  question: z.output<typeof similar.body>,
): Answer {
  const began = performance.now();
  const item = requireItem(recommender, around, question.item);
  const keys = translate(recommender);
  const like = recommender.items.names[item] ?? question.item;
  const selection = selectionOf(recommender, question, keys);
  const nobody = recommender.basket([]);
  const items = recommender.similar(item, selection, question.kind).map((other) => ({
    ...named(recommender, other.item),
    score: other.score,
    slot: 'discover' as const,
    reason: question.explain ? likeReason(recommender, other, like, question.kind) : '',
    quantity: question.quantities ? quantityOf(recommender, nobody, other.item) : null,
  }));
  return answered(
    around,
    { items, known: true, unknownItems: [...keys.unknown] },
    { kind: 'similar', slot: 'similar', customer: null, context: [question.item], began },
  );
}

function likeReason(
  recommender: Recommender,
  { item, from }: Ranked,
  like: string,
  kind: z.output<typeof similar.body>['kind'],
): string {
  const { customers, buyers } = recommender.history;
  if (from === 'pinned')
    return describeEvidence({ kind: 'pinned' }, recommender.items, { now: 0, basket: false });
  if (from === 'popularity') return `Popular: ${buyers[item] ?? 0} of ${customers} customers bought it.`;
  return kind === 'similar' && recommender.knowsLikeness
    ? `Bought in the same way as ${like}.`
    : `Bought by the same customers as ${like}.`;
}

function buyersOf(
  recommender: Recommender,
  around: Surroundings,
  question: z.output<typeof likelyBuyers.body>,
): z.input<typeof likelyBuyers.answer> {
  const began = performance.now();
  const item = requireItem(recommender, around, question.item);
  const { only, unknown } = customersOf(recommender, question.onlyCustomers);
  const allowed = (customer: number) =>
    (only === null || only.has(customer)) &&
    !(question.excludeBuyers && recommender.profile(customer).items.includes(item));
  const words = { now: around.store.clock(), basket: false };
  const items = recommender.buyers(item, question.limit, allowed).map(({ customer, score, evidence }) => ({
    id: recommender.customers.keys[customer] ?? '',
    name: recommender.customers.names[customer] ?? null,
    score,
    reason: evidence === null ? '' : describeEvidence(evidence, recommender.items, { ...words, other: true }),
  }));
  const { recommendationId, version } = answered(
    around,
    { items: items.map((one) => ({ ...one, slot: 'discover' as const })), known: true, unknownItems: [] },
    { kind: 'buyers', slot: 'buyers', customer: null, context: [question.item], began },
  );
  return { recommendationId, version, items, unknownCustomers: unknown };
}

function customersOf(recommender: Recommender, keys: readonly string[] | null) {
  const unknown: string[] = [];
  if (keys === null) return { only: null, unknown };
  const only = new Set<number>();
  for (const key of keys) {
    const id = recommender.customerId(key);
    if (id === null) unknown.push(key);
    else only.add(id);
  }
  return { only, unknown };
}

function requireItem(recommender: Recommender, around: Surroundings, key: string): number {
  const item = recommender.itemId(key);
  if (item !== null) return item;
  throw new TerminalError('not-found', `Version ${around.env.TRADEWIND_VERSION} knows no item "${key}".`, {
    remedy: 'Use the item’s own key as the orders have it; items never bought are not known.',
  });
}

/** Names the answer, logs it, and gives it its final form. */
function answered(
  { env, store, predictions }: Surroundings,
  answer: List,
  facts: Pick<Prediction, 'kind' | 'slot' | 'customer' | 'context'> & { began: number },
): Answer {
  const { began, ...logged } = facts;
  const recommendationId = makeId(store, 'r');
  predictions.add({
    ...logged,
    known: answer.known,
    recommendationId,
    at: now(store),
    version: env.TRADEWIND_VERSION,
    deployment: env.TRADEWIND_DEPLOYMENT,
    items: answer.items.map(({ id }) => id),
    latencyMs: performance.now() - began,
  });
  return { recommendationId, version: env.TRADEWIND_VERSION, ...answer };
}

function historyOf(recommender: Recommender, key: string, limit: number): z.input<typeof getHistory.answer> {
  const id = recommender.customerId(key);
  if (id === null)
    throw new TerminalError('not-found', `There is no customer "${key}" in this version.`, {
      remedy: 'Use the customer’s own key as the orders have it; /v1/customers lists them.',
    });
  const { items, count, last, quantity } = recommender.profile(id);
  const places = Array.from(items, (_, place) => place).sort(
    (a, b) => count[b]! - count[a]! || last[b]! - last[a]! || a - b,
  );
  return {
    customer: { id: key, name: recommender.customers.names[id] ?? null },
    items: places.slice(0, limit).map((place) => ({
      ...named(recommender, items[place]!),
      orders: Math.round(count[place]!),
      quantity: quantity[place]!,
      lastBought: toMoment(last[place]! * DAY_MS),
    })),
  };
}

function named(recommender: Recommender, item: number): { id: string; name: string | null } {
  return { id: recommender.items.keys[item] ?? '', name: recommender.items.names[item] ?? null };
}
