import type { z } from 'zod';
import { getHistory, listCustomers, recommend, similar } from '#core/api/recommend';
import { verifyLists } from '#core/api/verify';
import type { RecommenderEnv } from '#core/container-env';
import { TerminalError } from '#core/errors';
import { toMoment } from '#core/ids';
import { DAY_MS, type Profile } from '#recommender/data';
import { describeEvidence } from '#recommender/explain';
import type { Recommender } from '#recommender/recommend';
import { type Route, route } from '#runtime/answer';
import { InputError } from '#runtime/problem';
import { makeId, now, type Store } from '#store/store';
import type { Prediction, PredictionLog } from './prediction-log.ts';
import { signalRoutes } from './signal-routes.ts';

/** What answers stand on besides the version itself. */
export interface Surroundings {
  readonly env: Pick<RecommenderEnv, 'TRADEWIND_VERSION' | 'TRADEWIND_DEPLOYMENT'>;
  readonly store: Store;
  readonly predictions: PredictionLog;
}

/** The recommender service's routes over one version. */
export function recommenderRoutes(recommender: Recommender, around: Surroundings): Route[] {
  const version = around.env.TRADEWIND_VERSION;
  const byKey = recommender.customers.keys
    .map((key, id) => ({ key, id }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return [
    route(recommend, async ({ body }) => recommendTo(recommender, around, body)),
    route(similar, async ({ body }) => similarTo(recommender, around, body)),
    route(getHistory, async ({ body }) => historyOf(recommender, body.customer, body.limit)),
    route(listCustomers, async ({ body }) => {
      const wanted = body.search.toLowerCase();
      const fits = ({ key, id }: { key: string; id: number }) =>
        key.toLowerCase().includes(wanted) ||
        (recommender.customers.names[id] ?? '').toLowerCase().includes(wanted);
      return {
        items: byKey
          .filter(fits)
          .slice(0, body.limit)
          .map(({ key, id }) => ({
            id: key,
            name: recommender.customers.names[id] ?? null,
            items: recommender.profile(id).items.length,
          })),
      };
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

type Question = z.output<typeof recommend.body>;
type Answer = z.input<typeof recommend.answer>;

function recommendTo(recommender: Recommender, around: Surroundings, question: Question): Answer {
  const began = performance.now();
  const { items, known } = listFor(recommender, around, question);
  return answered(around, items, {
    kind: 'recommend',
    slot: question.slot,
    customer: 'customer' in question ? question.customer : null,
    context: 'basket' in question ? question.basket : [],
    known,
    began,
  });
}

/** The list that answers a question; nothing is logged. */
function listFor(
  recommender: Recommender,
  { store }: Pick<Surroundings, 'store'>,
  question: Question,
): Pick<Answer, 'items' | 'known'> {
  const { profile, known, basket } = profileFor(recommender, question);
  const offers = recommender.recommend(profile, {
    slot: question.slot,
    k: question.limit,
    includeBought: !question.excludeBought,
    exclude: knownIds(recommender, question.excludeItems),
    explain: question.explain,
  });
  const words = { now: store.clock(), basket };
  const items = offers.map(({ item, score, evidence }) => ({
    ...named(recommender, item),
    score,
    slot: question.slot,
    reason: evidence === null ? '' : describeEvidence(evidence, recommender.items, words),
  }));
  return { items, known };
}

/** The profile asked about; an unknown customer or a basket of unknown items is an empty one. */
function profileFor(
  recommender: Recommender,
  question: Question,
): { profile: Profile; known: boolean; basket: boolean } {
  if ('customer' in question) {
    const id = recommender.customerId(question.customer);
    return id === null
      ? { profile: recommender.basket([]), known: false, basket: false }
      : { profile: recommender.profile(id), known: true, basket: false };
  }
  if (question.slot === 'reorder')
    throw new InputError('body', [
      { path: 'slot', message: 'a basket has no earlier purchases to order again; ask for "discover"' },
    ]);
  const profile = recommender.basket(knownIds(recommender, question.basket));
  return { profile, known: profile.items.length > 0, basket: true };
}

function similarTo(
  recommender: Recommender,
  around: Surroundings,
  { item: key, limit }: z.output<typeof similar.body>,
): Answer {
  const began = performance.now();
  const item = recommender.itemId(key);
  if (item === null)
    throw new TerminalError('not-found', `Version ${around.env.TRADEWIND_VERSION} knows no item "${key}".`, {
      remedy: 'Use the item’s own key as the orders have it; items never bought are not known.',
    });
  const like = recommender.items.names[item] ?? key;
  const items = recommender.similar(item, limit).map((other) => ({
    ...named(recommender, other.item),
    score: other.score,
    slot: 'discover' as const,
    reason:
      other.from === 'model'
        ? `Bought by the same customers as ${like}.`
        : `Popular: ${recommender.history.buyers[other.item] ?? 0} of ${recommender.history.customers} customers bought it.`,
  }));
  return answered(around, items, {
    kind: 'similar',
    slot: 'similar',
    customer: null,
    context: [key],
    known: true,
    began,
  });
}

/** Names the answer, logs it, and gives it its final form. */
function answered(
  { env, store, predictions }: Surroundings,
  items: Answer['items'],
  facts: Pick<Prediction, 'kind' | 'slot' | 'customer' | 'context' | 'known'> & { began: number },
): Answer {
  const { began, ...logged } = facts;
  const recommendationId = makeId(store, 'r');
  predictions.add({
    ...logged,
    recommendationId,
    at: now(store),
    version: env.TRADEWIND_VERSION,
    deployment: env.TRADEWIND_DEPLOYMENT,
    items: items.map(({ id }) => id),
    latencyMs: performance.now() - began,
  });
  return { recommendationId, version: env.TRADEWIND_VERSION, known: facts.known, items };
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

function knownIds(recommender: Recommender, keys: readonly string[]): Set<number> {
  return new Set(keys.map((key) => recommender.itemId(key)).filter((id) => id !== null));
}
