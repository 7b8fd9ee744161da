import { createHash } from 'node:crypto';
import {
  DEMO,
  planWholesaler,
  tallyOrders,
  truthsOf,
  type WholesalerOptions,
} from '#scripts/demo/wholesaler';

const SMALL: WholesalerOptions = { ...DEMO, accounts: 120 };
const shop = planWholesaler(SMALL);
const orders = [...shop.orders()];
const truths = truthsOf(shop);
const DAY = 86_400_000;
const start = Date.parse(SMALL.lastDay) - (SMALL.days - 1) * DAY;

const digest = (options: WholesalerOptions): string => {
  const hash = createHash('sha256');
  for (const order of planWholesaler(options).orders()) hash.update(JSON.stringify(order));
  return hash.digest('hex');
};

/** Every plain purchase: what a model should learn from. */
const purchases = orders
  .filter((order) => order.kind === 'sale')
  .flatMap(({ at, customerNo, lines }) =>
    lines.filter((line) => line.oddity === null).map((line) => ({ at, customerNo, ...line })),
  );

describe('the demo wholesaler', () => {
  test('is the same company for the same seed, and another for another', () => {
    const tiny = { ...SMALL, accounts: 20, days: 120 };
    expect(digest(tiny)).toBe(digest(tiny));
    expect(digest({ ...tiny, seed: 43 })).not.toBe(digest(tiny));
  });

  test('has orders in the order of time, numbered without gaps, within its days', () => {
    expect(orders.map((order) => order.orderNo)).toEqual(orders.map((_, index) => 500_001 + index));
    const days = orders.map((order) => Math.floor((order.at - start) / DAY));
    expect(days).toEqual([...days].sort((a, b) => a - b));
    expect(Math.min(...days)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...days)).toBeLessThan(SMALL.days);
  });

  test('sells nothing on weekends and nothing but whole packs', () => {
    expect(orders.filter((order) => [0, 6].includes(new Date(order.at).getUTCDay()))).toEqual([]);
    const broken = purchases.filter(
      (line) => line.quantity % (shop.catalogue.bySku.get(line.sku)?.packSize ?? 0) !== 0,
    );
    expect(broken).toEqual([]);
  });

  test('re-orders in the planted cycles', () => {
    const times = new Map<string, number[]>();
    for (const { customerNo, sku, at } of purchases) {
      const key = `${customerNo} ${sku}`;
      times.set(key, [...(times.get(key) ?? []), at]);
    }
    const ratios = truths.cycles
      .filter(({ sku, days }) => days >= 20 && shop.catalogue.bySku.get(sku)?.family?.season === null)
      .flatMap(({ customerNo, sku, days }) => {
        const at = times.get(`${customerNo} ${sku}`) ?? [];
        if (at.length < 5) return [];
        const gaps = at.slice(1).map((time, index) => (time - (at[index] ?? time)) / DAY);
        return [(gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0) / days];
      })
      .sort((a, b) => a - b);
    expect(ratios.length).toBeGreaterThan(300);
    // An article waits for the account's next order day: gaps are the cycle and a few days, seldom more.
    expect(ratios[ratios.length >> 1]).toBeGreaterThan(1);
    expect(ratios[ratios.length >> 1]).toBeLessThan(1.25);
    expect(ratios[Math.floor(ratios.length * 0.05)]).toBeGreaterThan(0.85);
  });

  test('sells an article until it is superseded and its successor from then on', () => {
    expect(truths.supersessions.length).toBeGreaterThan(30);
    for (const { old, successor, day } of truths.supersessions) {
      const turn = start + day * DAY;
      expect(purchases.filter((line) => line.sku === old && line.at >= turn)).toEqual([]);
      expect(purchases.filter((line) => line.sku === successor && line.at < turn)).toEqual([]);
    }
  });

  test('has accounts that come late and accounts that leave', () => {
    expect(truths.newAccounts.length).toBeGreaterThan(5);
    expect(truths.lapsedAccounts.length).toBeGreaterThan(3);
    const lapsed = new Set(truths.lapsedAccounts);
    const lastMonth = orders.filter((order) => order.kind === 'sale' && order.at > start + 715 * DAY);
    expect(lastMonth.filter((order) => lapsed.has(order.customerNo ?? 0))).toEqual([]);
  });

  test('accounts buy mostly what their activities need', () => {
    const within = purchases.filter(({ customerNo, sku }) =>
      (truths.activitiesOf.get(customerNo ?? 0) ?? []).some((activity) =>
        truths.interests.get(activity)?.has(sku.replace(/B$/, '')),
      ),
    );
    expect(within.length / purchases.length).toBeGreaterThan(0.7);
  });

  test('seasonal goods sell in their season', () => {
    const winterly = purchases.filter(
      (line) => shop.catalogue.bySku.get(line.sku)?.family?.season === 'winter',
    );
    const inSeason = winterly.filter((line) => [11, 12, 1, 2].includes(new Date(line.at).getUTCMonth() + 1));
    expect(inSeason.length / winterly.length).toBeGreaterThan(0.6);
  });

  test('contract accounts pay their contract prices', () => {
    for (const account of shop.accounts.filter(({ contract }) => contract !== null)) {
      const own = purchases.filter((line) => line.customerNo === account.customerNo);
      const wrong = own.filter(
        (line) => (account.contract?.get(line.sku) ?? line.unitPrice) !== line.unitPrice,
      );
      expect(wrong).toEqual([]);
    }
  });

  test('has the dirt of real life, and counts it', () => {
    const tally = tallyOrders(orders);
    expect(tally.lines).toBe(orders.reduce((sum, order) => sum + order.lines.length, 0));
    expect(tally.returnLines).toBe(tally.byKind.return);
    for (const count of [...Object.values(tally.byKind), tally.cashLines, tally.duplicateLines])
      expect(count).toBeGreaterThan(0);
    expect(tally.serviceLines).toBeGreaterThan(tally.lines / 50);
    expect(truths.serviceCodes.every((code) => !/\d/.test(code))).toBe(true);
  });

  test('a line equal to another of its order is a planted duplicate, and only that', () => {
    const repeats = orders.reduce((sum, { lines }) => {
      const different = new Set(
        lines.map(({ sku, quantity, unitPrice }) => `${sku} ${quantity} ${unitPrice}`),
      );
      return sum + lines.length - different.size;
    }, 0);
    expect(repeats).toBe(tallyOrders(orders).duplicateLines);
  });
});

test('the demo has the size that npm start promises', () => {
  const demo = planWholesaler(DEMO);
  const { lines } = tallyOrders(demo.orders());
  expect(demo.accounts.length).toBe(720);
  expect(demo.catalogue.products.length).toBeGreaterThan(1400);
  expect(lines).toBeGreaterThan(150_000);
  expect(lines).toBeLessThan(250_000);
});
