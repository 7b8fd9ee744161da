/**
 * The demo wholesaler: an industrial-supplies distributor, made up from a seed. `README.md` beside this file tells its
 * story; what is planted is exported (`truthsOf`, `tallyOrders`), so that tests can ask whether it was found.
 */
import { planAccounts, type Account } from '#scripts/demo/accounts';
import { planCatalogue, type Catalogue } from '#scripts/demo/catalogue';
import type { Activity } from '#scripts/demo/families';
import { planOrders, type Order, type OrderKind } from '#scripts/demo/orders';

/** Raised whenever the same seed would give other rows: loaded databases are then loaded anew. */
export const DEMO_VERSION = 1;

/** Size and seed; the same options always give the same company. */
export interface WholesalerOptions {
  readonly seed: number;
  readonly accounts: number;
  /** Days of history; the last is `lastDay`. */
  readonly days: number;
  /** `YYYY-MM-DD`. */
  readonly lastDay: string;
}

/** What `npm start` shows: two years, about 170,000 order lines. */
export const DEMO: WholesalerOptions = { seed: 42, accounts: 720, days: 730, lastDay: '2026-06-30' };

/** The company, without its orders: those are made one after another by `orders()`. */
export interface Wholesaler {
  readonly options: WholesalerOptions;
  readonly catalogue: Catalogue;
  readonly accounts: readonly Account[];
  /** All orders in the order of time; each call begins anew and gives the same. */
  orders(): Generator<Order>;
}

/** Plans the company. Pure; about 0.1 s for the demo's size. */
export function planWholesaler(options: WholesalerOptions = DEMO): Wholesaler {
  const { seed, days } = options;
  const start = Date.parse(`${options.lastDay}T00:00:00Z`) - (days - 1) * 86_400_000;
  const catalogue = planCatalogue(seed, days);
  const accounts = planAccounts(seed, options.accounts, days, catalogue);
  return {
    options,
    catalogue,
    accounts,
    orders: () => planOrders({ seed, days, start, catalogue, accounts }),
  };
}

/** What was planted, for tests to look for. */
export interface Truths {
  /** Each account's articles with the days between purchases (before jitter and seasons). */
  readonly cycles: readonly { readonly customerNo: number; readonly sku: string; readonly days: number }[];
  readonly supersessions: readonly {
    readonly old: string;
    readonly successor: string;
    readonly day: number;
  }[];
  /** The articles of each activity, and what each account is after. */
  readonly interests: ReadonlyMap<Activity, ReadonlySet<string>>;
  readonly activitiesOf: ReadonlyMap<number, readonly Activity[]>;
  readonly newAccounts: readonly number[];
  readonly lapsedAccounts: readonly number[];
  readonly contractAccounts: readonly number[];
  /** Article keys that are no goods. */
  readonly serviceCodes: readonly string[];
}

/** The planted truths of `wholesaler`. */
export function truthsOf(wholesaler: Wholesaler): Truths {
  const { accounts, catalogue, options } = wholesaler;
  const interests = new Map<Activity, Set<string>>();
  for (const kit of catalogue.kits) {
    const skus = interests.get(kit.activity) ?? new Set();
    for (const sku of kit.skus) skus.add(sku);
    interests.set(kit.activity, skus);
  }
  const numbers = (wanted: (account: Account) => boolean): number[] =>
    accounts.filter(wanted).map((account) => account.customerNo);
  return {
    cycles: accounts.flatMap(({ customerNo, habits }) =>
      habits.map(({ sku, cycle }) => ({ customerNo, sku, days: cycle })),
    ),
    supersessions: catalogue.products.flatMap(({ sku, supersededBy, supersededOn }) =>
      supersededBy === null || supersededOn === null
        ? []
        : [{ old: sku, successor: supersededBy, day: supersededOn }],
    ),
    interests,
    activitiesOf: new Map(accounts.map(({ customerNo, activities }) => [customerNo, activities])),
    newAccounts: numbers((account) => account.since > 0),
    lapsedAccounts: numbers((account) => account.until < options.days - 1),
    contractAccounts: numbers((account) => account.contract !== null),
    serviceCodes: catalogue.serviceCodes,
  };
}

/** What is in the orders: an oracle for what cleaning must leave out and count. */
export interface OrderTally {
  readonly orders: number;
  readonly lines: number;
  readonly byKind: Readonly<Record<OrderKind, number>>;
  /** Lines without a customer. */
  readonly cashLines: number;
  /** Lines with quantity below zero. */
  readonly returnLines: number;
  /** Lines keyed twice within their order (the second of each pair). */
  readonly duplicateLines: number;
  readonly serviceLines: number;
  /** Lines with a price of zero or below. */
  readonly unpricedLines: number;
}

/** Counts `orders`. */
export function tallyOrders(orders: Iterable<Order>): OrderTally {
  const byKind: Record<OrderKind, number> = {
    sale: 0,
    'cash-sale': 0,
    project: 0,
    return: 0,
    'credit-note': 0,
    resent: 0,
  };
  const tally = {
    orders: 0,
    lines: 0,
    byKind,
    cashLines: 0,
    returnLines: 0,
    duplicateLines: 0,
    serviceLines: 0,
    unpricedLines: 0,
  };
  for (const order of orders) {
    tally.orders += 1;
    byKind[order.kind] += 1;
    for (const line of order.lines) {
      tally.lines += 1;
      if (order.customerNo === null) tally.cashLines += 1;
      if (line.quantity < 0) tally.returnLines += 1;
      if (line.oddity === 'duplicate') tally.duplicateLines += 1;
      if (line.oddity === 'service') tally.serviceLines += 1;
      if (line.unitPrice <= 0) tally.unpricedLines += 1;
    }
  }
  return tally;
}
