import { planWholesaler } from '#scripts/demo/wholesaler';
import type { Catalogue, Interactions } from '../../functions/recommender/data.ts';

/** The demo wholesaler's order lines, cleaned and successors folded as the product's data set does by default. */
export function demoOrderLines(): { interactions: Interactions; customers: Catalogue; items: Catalogue } {
  const demo = planWholesaler();
  const goods = demo.catalogue.products.filter(({ family }) => family !== null);
  const current = (sku: string): string => {
    const successor = demo.catalogue.bySku.get(sku)?.supersededBy ?? null;
    return successor === null ? sku : current(successor);
  };
  const itemIds = new Map(goods.map(({ sku }, id) => [sku, id]));
  const customerIds = new Map(demo.accounts.map(({ customerNo }, id) => [customerNo, id]));
  const rows: { customer: number; item: number; time: number; quantity: number; basket: number }[] = [];
  for (const order of demo.orders())
    for (const line of order.lines) {
      const item = itemIds.get(current(line.sku));
      const customer = order.customerNo === null ? undefined : customerIds.get(order.customerNo);
      if (item === undefined || customer === undefined || line.quantity <= 0 || line.oddity === 'duplicate')
        continue;
      rows.push({ customer, item, time: order.at, quantity: line.quantity, basket: order.orderNo });
    }
  return {
    interactions: {
      customer: Int32Array.from(rows, (row) => row.customer),
      item: Int32Array.from(rows, (row) => row.item),
      time: Float64Array.from(rows, (row) => row.time),
      quantity: Float64Array.from(rows, (row) => row.quantity),
      value: Float64Array.from(rows, () => NaN),
      basket: Int32Array.from(rows, (row) => row.basket),
    },
    customers: {
      keys: demo.accounts.map(({ customerNo }) => String(customerNo)),
      names: demo.accounts.map(() => null),
    },
    items: { keys: goods.map(({ sku }) => sku), names: goods.map(({ name }) => name) },
  };
}
