import { DAY_MS } from '../../../functions/recommender/data.ts';
import { forgottenItems } from '../../../functions/recommender/signals/forgotten.ts';
import type { Signals } from '../../../functions/recommender/signals/fit.ts';
import { finish } from '../../../functions/recommender/steps.ts';
import { makeWhiteSpaces } from '../../../functions/recommender/signals/white-space.ts';
import { shareOf, type Figure, type Scene } from './scene.ts';

/**
 * Whether the categories that are called white space belong to a planted activity of the account. Reference: as many of
 * the most sold categories that it does not buy.
 */
export function measureAssortments(scene: Scene): Figure[] {
  const { truths, demo, customers, items, size } = scene;
  const signals = scene.signalsAt(demo.options.days);
  const spaces = finish(makeWhiteSpaces(signals, items));
  const categoriesOf = new Map(
    [...truths.interests].map(([activity, skus]) => [
      activity,
      new Set([...skus].map((sku) => demo.catalogue.bySku.get(sku)?.category ?? '')),
    ]),
  );
  const bought = Array.from({ length: size.customers }, (_, c) =>
    categoriesBought(signals, items.categories ?? [], c),
  );
  const buyers = new Map<string, number>();
  for (const own of bought) for (const category of own) buyers.set(category, (buyers.get(category) ?? 0) + 1);
  const popular = [...buyers].sort((a, b) => b[1] - a[1]).map(([category]) => category);
  let right = 0;
  let listed = 0;
  let popularRight = 0;
  for (let c = 0; c < size.customers; c++) {
    const activities = truths.activitiesOf.get(Number(customers.keys[c])) ?? [];
    const fits = (category: string) =>
      activities.some((one) => categoriesOf.get(one)?.has(category) === true);
    const found = spaces.of(c, 3);
    listed += found.length;
    right += found.filter(({ category }) => fits(category)).length;
    const missing = popular.filter((category) => bought[c]?.has(category) !== true);
    popularRight += missing.slice(0, found.length).filter(fits).length;
  }
  return [
    {
      name: 'assortment-precision',
      value: shareOf(right, listed),
      unit: 'share',
      reference: shareOf(popularRight, listed),
      against: 'most sold categories not bought',
      n: listed,
    },
  ];
}

function categoriesBought(
  { history }: Signals,
  categories: readonly (string | null)[],
  c: number,
): Set<string> {
  const own = history.item.subarray(history.indptr[c], history.indptr[c + 1]);
  return new Set(Array.from(own, (item) => categories[item] ?? ''));
}

const MOMENT = 600;
const WEEKS = 3;
const LISTED = 5;

/**
 * From every account's first order after a moment one item that it bought before is taken out: is it among the five that
 * are asked for? Reference: the five that it bought most often.
 */
export function measureForgotten(scene: Scene): Figure[] {
  const signals = scene.signalsAt(MOMENT);
  const { history } = signals;
  let tries = 0;
  let ours = 0;
  let frequent = 0;
  for (const [customer, { day, items }] of firstOrders(scene)) {
    const [from, to] = [history.indptr[customer]!, history.indptr[customer + 1]!];
    const byCount = Array.from(history.item.subarray(from, to), (item, n) => ({
      item,
      count: history.count[from + n]!,
    }));
    byCount.sort((a, b) => b.count - a.count || a.item - b.item);
    for (const held of items) {
      if (items.size < 2 || !byCount.some(({ item }) => item === held)) continue;
      const rest = [...items].filter((item) => item !== held);
      tries++;
      const asked = forgottenItems(signals, customer, rest, { at: day, limit: LISTED });
      if (asked.some(({ item }) => item === held)) ours++;
      const plain = byCount.filter(({ item }) => !rest.includes(item)).slice(0, LISTED);
      if (plain.some(({ item }) => item === held)) frequent++;
    }
  }
  return [
    {
      name: 'forgotten-hit5',
      value: shareOf(ours, tries),
      unit: 'share',
      reference: shareOf(frequent, tries),
      against: 'most often bought',
      n: tries,
    },
  ];
}

function firstOrders({ interactions, dayAt }: Scene): Map<number, { day: number; items: Set<number> }> {
  const from = dayAt(MOMENT);
  const orders = new Map<number, { day: number; items: Set<number> }>();
  for (let n = 0; n < interactions.item.length; n++) {
    const day = Math.floor(interactions.time[n]! / DAY_MS);
    if (day < from || day >= from + WEEKS * 7) continue;
    const customer = interactions.customer[n]!;
    const known = orders.get(customer);
    if (known === undefined || day < known.day)
      orders.set(customer, { day, items: new Set([interactions.item[n]!]) });
    else if (day === known.day) known.items.add(interactions.item[n]!);
  }
  return orders;
}
