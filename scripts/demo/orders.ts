import type { Account, Habit } from '#scripts/demo/accounts';
import { SEGMENTS } from '#scripts/demo/accounts';
import type { Product, Catalogue } from '#scripts/demo/catalogue';
import { makeRandom, type Random } from '#scripts/demo/random';

/** What an order is; everything but `sale` is the dirt of real life. */
export type OrderKind = 'sale' | 'cash-sale' | 'project' | 'return' | 'credit-note' | 'resent';
/** Why a line is no plain purchase; null where it is one. */
export type LineOddity = 'duplicate' | 'service' | 'sample' | null;

/** One line of an order. Quantity in units, negative on returns; price in euro per unit, negative on credit notes. */
export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly oddity: LineOddity;
}

/** An order. `customerNo` is null for sales over the counter; `at` is milliseconds since 1970 in UTC. */
export interface Order {
  readonly orderNo: number;
  readonly kind: OrderKind;
  readonly customerNo: number | null;
  readonly branchNo: number | null;
  readonly repNo: number | null;
  readonly channel: 'web' | 'edi' | 'phone' | 'counter';
  readonly at: number;
  readonly lines: readonly OrderLine[];
}

/** What `planOrders` needs of the plan. */
export interface OrderPlan {
  readonly seed: number;
  readonly days: number;
  /** Midnight UTC of day 0. */
  readonly start: number;
  readonly catalogue: Catalogue;
  readonly accounts: readonly Account[];
}

interface Buyer {
  readonly account: Account;
  readonly random: Random;
  readonly closed: readonly number[];
  readonly due: Map<Habit, number>;
  nextDay: number;
  readonly projectDay: number;
}

const DAY = 86_400_000;

/**
 * Every order of the history in the order of time, made day by day: memory holds the accounts, never the orders.
 *
 * An article is due one cycle (jitter 15 %) after its last purchase; an account orders on its order days whatever is
 * due. Orders also breed dirt: freight, samples, lines keyed twice, orders sent twice, returns, credit notes.
 */
export function* planOrders(plan: OrderPlan): Generator<Order> {
  const buyers = plan.accounts.map((account) => makeBuyer(plan, account));
  const counter = makeRandom(plan.seed, 'cash sales');
  const later = new Map<number, Omit<Order, 'orderNo'>[]>();
  let orderNo = 500_000;
  for (let day = 0; day < plan.days; day += 1) {
    if (isHoliday(plan.start + day * DAY)) continue;
    const today = [...(later.get(day) ?? [])];
    later.delete(day);
    for (const buyer of buyers) if (buyer.nextDay <= day) today.push(...orderOf(plan, buyer, day, later));
    for (let sales = counter.int(0, 3); sales > 0; sales -= 1) today.push(cashSale(plan, counter, day));
    today.sort((a, b) => a.at - b.at);
    for (const order of today) yield { orderNo: (orderNo += 1), ...order };
  }
}

function makeBuyer(plan: OrderPlan, account: Account): Buyer {
  const random = makeRandom(plan.seed, `orders ${account.customerNo}`);
  const due = new Map(
    account.habits.map((habit) => [
      habit,
      habit.from < account.since ? habit.from + habit.cycle : habit.from,
    ]),
  );
  return {
    account,
    random,
    due,
    closed: SEGMENTS.find((segment) => segment.name === account.segment)?.closed ?? [],
    nextDay: account.since + random.int(0, account.rhythm),
    projectDay: random.chance(0.1) ? random.int(account.since, account.until) : -1,
  };
}

/** Weekends, the days from Christmas to New Year, and nothing else. */
function isHoliday(at: number): boolean {
  const date = new Date(at);
  const weekday = date.getUTCDay();
  return (
    weekday === 0 ||
    weekday === 6 ||
    (date.getUTCMonth() === 11 && date.getUTCDate() >= 24) ||
    (date.getUTCMonth() === 0 && date.getUTCDate() === 1)
  );
}

/** Demand of a product in a month, 0.2 to 1.4. */
export function demand(product: Product, month: number): number {
  const season = product.family?.season ?? null;
  if (season === null) return 1;
  const high = season === 'winter' ? [11, 12, 1, 2] : [4, 5, 6, 7, 8];
  return high.includes(month) ? 1.4 : 0.2;
}

function orderOf(
  plan: OrderPlan,
  buyer: Buyer,
  day: number,
  later: Map<number, Omit<Order, 'orderNo'>[]>,
): Omit<Order, 'orderNo'>[] {
  const { account, random } = buyer;
  buyer.nextDay = day + Math.max(1, Math.round(account.rhythm * (0.8 + 0.4 * random.next())));
  const month = new Date(plan.start + day * DAY).getUTCMonth() + 1;
  if (day > account.until) {
    buyer.nextDay = plan.days;
    return [];
  }
  if (buyer.closed.includes(month) && !random.chance(0.1)) return [];
  const project = buyer.projectDay >= 0 && day >= buyer.projectDay ? projectOrder(plan, buyer, day) : [];
  const due = dueLines(plan, buyer, day, month);
  const lines = [
    ...due,
    ...passingNeed(plan, buyer, day).filter((line) => due.every(({ sku }) => sku !== line.sku)),
  ];
  if (lines.length === 0) return project;
  const order = withHead(plan, buyer, day, 'sale', addOddities(plan, random, lines));
  planAftermath(plan, random, order, day, later);
  const resent = random.chance(0.003)
    ? [{ ...order, kind: 'resent' as const, at: order.at + random.int(1, 9) * 60_000 }]
    : [];
  return [...project, order, ...resent];
}

function dueLines(plan: OrderPlan, buyer: Buyer, day: number, month: number): OrderLine[] {
  const { account, random } = buyer;
  const lines: OrderLine[] = [];
  for (const [habit, due] of buyer.due) {
    if (due > day || day > habit.until) continue;
    const product = current(plan.catalogue, habit.sku, day);
    const strength = demand(product, month);
    buyer.due.set(
      habit,
      day + Math.max(1, Math.round((habit.cycle / strength) * (1 + 0.15 * random.normal()))),
    );
    if (strength < 1 && random.chance(0.6)) continue;
    const packs = Math.max(
      1,
      Math.round(habit.packs * (0.7 + 0.6 * random.next()) * Math.min(1.3, strength)),
    );
    lines.push({
      sku: product.sku,
      quantity: packs * product.packSize,
      unitPrice: priceFor(account, product, day),
      oddity: null,
    });
  }
  return lines;
}

/** Now and then an account needs something once, mostly of its own trades. */
function passingNeed(plan: OrderPlan, { account, random }: Buyer, day: number): OrderLine[] {
  if (!random.chance(0.12)) return [];
  const kit = random.pick(plan.catalogue.kits);
  if (!account.activities.includes(kit.activity) && !random.chance(0.15)) return [];
  const product = current(plan.catalogue, random.pick(kit.skus), day);
  return [
    {
      sku: product.sku,
      quantity: product.packSize,
      unitPrice: priceFor(account, product, day),
      oddity: null,
    },
  ];
}

/** The article itself, or its successor once it has ended. */
function current(catalogue: Catalogue, sku: string, day: number): Product {
  const product = catalogue.bySku.get(sku);
  if (product === undefined) throw new RangeError(`no product ${sku} in the demo catalogue`);
  if (product.supersededBy === null || product.supersededOn === null || day < product.supersededOn)
    return product;
  return current(catalogue, product.supersededBy, day);
}

/** Contract price, else list less discount; list prices rise 3 % after a year. */
function priceFor(account: Account, product: Product, day: number): number {
  const rise = day >= 365 ? 1.03 : 1;
  const price = account.contract?.get(product.sku) ?? product.listPrice * (1 - account.discount) * rise;
  return Math.round(price * 10_000) / 10_000;
}

function withHead(
  plan: OrderPlan,
  buyer: Buyer,
  day: number,
  kind: OrderKind,
  lines: readonly OrderLine[],
): Omit<Order, 'orderNo'> {
  const { account, random } = buyer;
  return {
    kind,
    lines,
    customerNo: account.customerNo,
    branchNo: random.pick(account.branches).branchNo,
    repNo: account.repNo,
    channel: random.pickWeighted([
      ['web', 5],
      ['edi', 3],
      ['phone', 2],
    ] as const),
    at: plan.start + day * DAY + random.int(7 * 3600, 17 * 3600) * 1000,
  };
}

function addOddities(plan: OrderPlan, random: Random, lines: readonly OrderLine[]): OrderLine[] {
  const all = lines.flatMap((line) =>
    random.chance(0.004) ? [line, { ...line, oddity: 'duplicate' as const }] : [line],
  );
  const value = lines.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0);
  const service =
    value < 50
      ? 'SMALL-ORDER'
      : random.chance(0.03)
        ? 'EXPRESS'
        : random.chance(0.22)
          ? 'FREIGHT'
          : random.chance(0.04)
            ? 'PALLET-DEPOSIT'
            : null;
  if (service !== null)
    all.push({
      sku: service,
      quantity: 1,
      unitPrice: plan.catalogue.bySku.get(service)?.listPrice ?? 0,
      oddity: 'service',
    });
  if (random.chance(0.02)) {
    const sample = random.pick(
      plan.catalogue.products.filter(
        (product) => product.family !== null && product.supersededOn === null && !product.sku.endsWith('B'),
      ),
    );
    all.push({ sku: sample.sku, quantity: 1, unitPrice: 0, oddity: 'sample' });
  }
  return all;
}

/** Some goods come back within three weeks; some invoices are corrected by a credit note. */
function planAftermath(
  plan: OrderPlan,
  random: Random,
  order: Omit<Order, 'orderNo'>,
  day: number,
  later: Map<number, Omit<Order, 'orderNo'>[]>,
): void {
  const add = (kind: OrderKind, lines: OrderLine[], wait: number): void => {
    const on = nextWorkday(plan, day + wait);
    const entry = {
      ...order,
      kind,
      lines,
      channel: 'phone' as const,
      at: plan.start + on * DAY + random.int(8 * 3600, 16 * 3600) * 1000,
    };
    later.set(on, [...(later.get(on) ?? []), entry]);
  };
  const goods = order.lines.filter((line) => line.oddity === null);
  if (random.chance(0.06)) {
    const line = random.pick(goods);
    add(
      'return',
      [{ ...line, quantity: -Math.max(1, Math.round(line.quantity * random.next())) }],
      random.int(3, 20),
    );
  }
  if (random.chance(0.012)) {
    const line = random.pick(goods);
    add(
      'credit-note',
      [{ ...line, unitPrice: -Math.round(line.unitPrice * 0.1 * 10_000) / 10_000 }],
      random.int(5, 30),
    );
  }
}

function nextWorkday(plan: OrderPlan, day: number): number {
  let on = day;
  while (isHoliday(plan.start + on * DAY)) on += 1;
  return on;
}

/** A one-off: many articles of one trade the account does not follow, in quantities never seen again. */
function projectOrder(plan: OrderPlan, buyer: Buyer, day: number): Omit<Order, 'orderNo'>[] {
  const { account, random } = buyer;
  Object.assign(buyer, { projectDay: -1 });
  const foreign = plan.catalogue.kits.filter((kit) => !account.activities.includes(kit.activity));
  const activity = random.pick(foreign).activity;
  const skus = new Set(
    random
      .sample(
        foreign.filter((kit) => kit.activity === activity),
        4,
      )
      .flatMap((kit) => kit.skus),
  );
  const lines = [...skus].map((sku): OrderLine => {
    const product = current(plan.catalogue, sku, day);
    return {
      sku: product.sku,
      quantity: product.packSize * random.int(25, 80),
      unitPrice: priceFor(account, product, day),
      oddity: null,
    };
  });
  return [withHead(plan, buyer, day, 'project', lines)];
}

function cashSale(plan: OrderPlan, random: Random, day: number): Omit<Order, 'orderNo'> {
  const kit = random.pick(plan.catalogue.kits);
  const lines = random.sample(kit.skus, random.int(1, 3)).map((sku): OrderLine => {
    const product = current(plan.catalogue, sku, day);
    return { sku: product.sku, quantity: product.packSize, unitPrice: product.listPrice, oddity: null };
  });
  const at = plan.start + day * DAY + random.int(7 * 3600, 17 * 3600) * 1000;
  return { kind: 'cash-sale', customerNo: null, branchNo: null, repNo: null, channel: 'counter', at, lines };
}
