import type { MetricsReport, ModelCard } from '#core/metrics';
import { ials } from '../../../functions/recommender/algorithms/ials.ts';
import { itemNeighbours } from '../../../functions/recommender/algorithms/item-neighbours.ts';
import { personalFrequency } from '../../../functions/recommender/algorithms/personal-frequency.ts';
import { buildHistory, type Interactions } from '../../../functions/recommender/data.ts';
import { requireItemItem } from '../../../functions/recommender/item-item.ts';
import { withPool } from '../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../functions/recommender/random.ts';
import { saveRecommender } from '../../../functions/recommender/recommend.ts';

/** How large the version is that is served. */
export interface Size {
  readonly customers: number;
  readonly items: number;
  readonly factors: number;
  /** Order lines of a customer, on average. */
  readonly lines: number;
}

/** Categories of the made-up catalogue: c0 … */
export const CATEGORIES = 40;
/** Kinds of customers, each of which buys mostly from its own part of the catalogue. */
const KINDS = 200;
const DAY_MS = 86_400_000;
const START = Date.UTC(2025, 0, 1);

/** Order lines in which an item sells the less the higher its number is, more to customers of its own kind. */
function makeLines({ customers, items, lines }: Size): Interactions {
  const random = seededRandom(5);
  const length = customers * lines;
  const made = {
    customer: new Int32Array(length),
    item: new Int32Array(length),
    time: new Float64Array(length),
    quantity: new Float64Array(length),
    value: new Float64Array(length).fill(NaN),
    basket: new Int32Array(length),
  };
  for (let n = 0; n < length; n++) {
    const customer = Math.floor(n / lines);
    const rank = Math.floor(items * random() ** 2.5);
    const own = rank - (rank % KINDS) + (customer % KINDS);
    made.customer[n] = customer;
    made.item[n] = Math.min(items - 1, random() < 0.7 ? own : rank);
    made.time[n] = START + Math.floor(random() * 300) * DAY_MS;
    made.quantity[n] = 6 * (1 + Math.floor(random() * 4));
    made.basket[n] = -1;
  }
  return made;
}

/** The artifact's bytes of a version whose discoveries are ranked by iALS of `size.factors`, fitted for two epochs. */
export async function makeVersion(size: Size, threads: number): Promise<Uint8Array> {
  const { history } = buildHistory(makeLines(size), size);
  return withPool(threads, async (pool) => {
    const context = { random: seededRandom(1), pool };
    const options = ials.options.parse({ factors: size.factors, epochs: 2, unobservedWeight: 0.01 });
    const discover = await ials.fit(history, options, context);
    const reorder = await personalFrequency.fit(history, personalFrequency.options.parse({}), context);
    const near = await itemNeighbours.fit(history, itemNeighbours.options.parse({ neighbours: 20 }), context);
    return saveRecommender({
      customers: catalogue('customer', size.customers),
      items: {
        ...catalogue('item', size.items),
        categories: Array.from({ length: size.items }, (_, item) => `c${item % CATEGORIES}`),
      },
      history,
      minBuyers: 1,
      slots: {
        reorder: { algorithm: 'personal-frequency', model: reorder },
        discover: { algorithm: 'ials', model: discover },
      },
      neighbours: requireItemItem(near),
      card: blankCard(size),
    });
  });
}

function catalogue(prefix: string, count: number) {
  const keys = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  return { keys, names: keys.map((key) => `The ${key} of the catalogue`) };
}

/** A card on which nothing was measured: serving reads none of it. */
function blankCard(size: Size): ModelCard {
  const moment = new Date(START).toISOString();
  const none = { ndcg10: 0, recall10: 0, recall20: 0, coverage: 0 };
  const metrics: MetricsReport = {
    slots: {},
    overall: { model: none, baselines: {}, customers: 0, discoverShare: 0 },
    window: {
      trainFrom: moment,
      validationFrom: moment,
      testFrom: moment,
      testUntil: moment,
      newCustomers: 0,
      newItemPurchases: 0,
    },
    trials: 0,
    trialsCut: 0,
    seconds: 0,
  };
  const counts = { interactions: size.customers * size.lines, customers: size.customers, items: size.items };
  return {
    createdAt: moment,
    data: { from: moment, until: moment, ...counts, pairs: counts.interactions, leftOut: {} },
    config: {},
    metrics,
    gate: { passed: true, reasons: [], checks: [] },
    notes: [],
  };
}
