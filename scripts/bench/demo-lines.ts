import { DEMO, planWholesaler, type Wholesaler } from '#scripts/demo/wholesaler';
import type { Catalogue, Interactions } from '../../functions/recommender/data.ts';

/** What `demoOrderLines` gives. */
export interface DemoLines {
  readonly interactions: Interactions;
  readonly customers: Catalogue;
  readonly items: Catalogue;
  readonly demo: Wholesaler;
}

/**
 * The demo wholesaler's order lines, cleaned and successors folded as the product's data set does by default. `seed`: of
 * another company like it; `fold: false`: an ended article and its successor stay two.
 */
export function demoOrderLines(options: { seed?: number; fold?: boolean } = {}): DemoLines {
  const { seed = DEMO.seed, fold = true } = options;
  const demo = planWholesaler({ ...DEMO, seed });
  const goods = demo.catalogue.products.filter(({ family }) => family !== null);
  const current = (sku: string): string => {
    const successor = fold ? (demo.catalogue.bySku.get(sku)?.supersededBy ?? null) : null;
    return successor === null ? sku : current(successor);
  };
  const itemIds = new Map(goods.map(({ sku }, id) => [sku, id]));
  const customerIds = new Map(demo.accounts.map(({ customerNo }, id) => [customerNo, id]));
  const rows: {
    customer: number;
    item: number;
    time: number;
    quantity: number;
    value: number;
    basket: number;
  }[] = [];
  for (const order of demo.orders())
    for (const line of order.lines) {
      const item = itemIds.get(current(line.sku));
      const customer = order.customerNo === null ? undefined : customerIds.get(order.customerNo);
      if (item === undefined || customer === undefined || line.quantity <= 0 || line.oddity === 'duplicate')
        continue;
      const value = line.quantity * line.unitPrice;
      // As the data set's cleaning: a credit note keeps the quantity and turns the money round.
      if (value < 0) continue;
      rows.push({ customer, item, time: order.at, quantity: line.quantity, value, basket: order.orderNo });
    }
  return {
    interactions: {
      customer: Int32Array.from(rows, (row) => row.customer),
      item: Int32Array.from(rows, (row) => row.item),
      time: Float64Array.from(rows, (row) => row.time),
      quantity: Float64Array.from(rows, (row) => row.quantity),
      value: Float64Array.from(rows, (row) => row.value),
      basket: Int32Array.from(rows, (row) => row.basket),
    },
    customers: {
      keys: demo.accounts.map(({ customerNo }) => String(customerNo)),
      names: demo.accounts.map(({ name }) => name),
      segments: demo.accounts.map(({ segment }) => segment),
    },
    items: {
      keys: goods.map(({ sku }) => sku),
      names: goods.map(({ name }) => name),
      categories: goods.map(({ category }) => category),
      brands: goods.map(({ brand }) => brand),
    },
    demo,
  };
}
