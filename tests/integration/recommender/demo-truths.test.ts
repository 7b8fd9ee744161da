/** What was planted in the demo wholesaler is what the recommender finds: the whole training run on known answers. */
import { TrainingConfig } from '#core/training-config';
import type { Interactions } from '#recommender/data';
import { train, type TrainOutput } from '#recommender/train';
import type { Product } from '#scripts/demo/catalogue';
import { DEMO, planWholesaler, truthsOf } from '#scripts/demo/wholesaler';

const shop = planWholesaler({ ...DEMO, accounts: 300 });
const truths = truthsOf(shop);

/** The article that is sold today under `sku`. */
const today = (sku: string): Product => {
  const product = shop.catalogue.bySku.get(sku);
  if (product === undefined) throw new RangeError(`no article ${sku}`);
  return product.supersededBy === null ? product : today(product.supersededBy);
};

/** Dense ids in the order of first sight. */
const dense = <K>() => {
  const ids = new Map<K, number>();
  return { keys: ids, id: (key: K) => ids.get(key) ?? (ids.set(key, ids.size), ids.size - 1) };
};

const learn = async (): Promise<TrainOutput> => {
  const customers = dense<number>();
  const items = dense<string>();
  // Cleaned as a data set is: no cash sales, no returns, no service codes.
  const lines = [...shop.orders()].flatMap(({ customerNo, at, orderNo, lines: all }) =>
    customerNo === null
      ? []
      : all
          .filter(({ sku, quantity }) => quantity > 0 && !truths.serviceCodes.includes(sku))
          .map((line) => ({
            ...line,
            at,
            orderNo,
            customer: customers.id(customerNo),
            item: items.id(today(line.sku).sku),
          })),
  );
  const interactions: Interactions = {
    customer: Int32Array.from(lines, (line) => line.customer),
    item: Int32Array.from(lines, (line) => line.item),
    time: Float64Array.from(lines, (line) => line.at),
    quantity: Float64Array.from(lines, (line) => line.quantity),
    value: Float64Array.from(lines, (line) => line.quantity * line.unitPrice),
    basket: Int32Array.from(lines, (line) => line.orderNo),
  };
  const customerKeys = [...customers.keys.keys()].map(String);
  return train({
    interactions,
    customers: { keys: customerKeys, names: customerKeys.map(() => null) },
    items: { keys: [...items.keys.keys()], names: [...items.keys.keys()].map((sku) => today(sku).name) },
    config: TrainingConfig.parse({ preset: 'quick' }),
    now: Date.parse('2026-07-01'),
  });
};

let output: TrainOutput;
beforeAll(async () => {
  output = await learn();
});

test('discovery beats popularity by far, and re-order does not lose to counting', () => {
  const { discover, reorder } = output.report.slots;
  expect(discover?.model.ndcg10).toBeGreaterThan(2 * (discover?.baselines['popularity']?.ndcg10 ?? 1));
  expect(reorder?.model.ndcg10).toBeGreaterThanOrEqual(reorder?.baselines['personal-frequency']?.ndcg10 ?? 1);
  expect(output.card.gate.passed).toBe(true);
});

test('what is offered for discovery belongs to what the account is after', () => {
  const { recommender } = output;
  const shares = [...truths.activitiesOf].flatMap(([customerNo, activities]) => {
    const customer = recommender.customerId(String(customerNo));
    if (customer === null) return [];
    const offers = recommender.recommend(recommender.profile(customer), { slot: 'discover', k: 10 });
    const skus = offers.map(({ item }) => recommender.items.keys[item]?.replace(/B$/, '') ?? '');
    const fitting = skus.filter((sku) =>
      activities.some((activity) => truths.interests.get(activity)?.has(sku)),
    );
    return [fitting.length / skus.length];
  });
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  // An account follows one to three of eighteen activities: by chance it would be about a fifth.
  expect(mean).toBeGreaterThan(0.6);
});

test('re-order lists what is still in use before what an account has given up', () => {
  const { recommender } = output;
  const counts = shop.accounts
    .filter(({ until }) => until === DEMO.days - 1)
    .flatMap(({ customerNo, habits }) => {
      const customer = recommender.customerId(String(customerNo));
      if (customer === null) return [];
      const offers = recommender.recommend(recommender.profile(customer), { slot: 'reorder', k: 5 });
      const givenUp = habits.filter(({ until }) => until < DEMO.days - 100).map(({ sku }) => today(sku).sku);
      const listed = offers.map(({ item }) => recommender.items.keys[item] ?? '');
      return [{ listed: listed.length, wrong: listed.filter((sku) => givenUp.includes(sku)).length }];
    });
  const sum = (key: 'listed' | 'wrong'): number => counts.reduce((total, each) => total + each[key], 0);
  expect(sum('listed')).toBeGreaterThan(500);
  expect(sum('wrong') / sum('listed')).toBeLessThan(0.1);
});
