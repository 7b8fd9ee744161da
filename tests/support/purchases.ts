import type { Catalogue, Interactions } from '../../functions/recommender/data.ts';
import { seededRandom } from '../../functions/recommender/random.ts';

export const DAY = 86_400_000;
/** The day that test histories begin. */
export const START = Date.UTC(2025, 0, 1);

/** One purchase line: who, what, on which day after START, how many, in which basket. */
export type Line = readonly [customer: number, item: number, day: number, quantity?: number, basket?: number];

/** Purchase lines in columns. */
export function toInteractions(lines: readonly Line[]): Interactions {
  return {
    customer: Int32Array.from(lines, ([customer]) => customer),
    item: Int32Array.from(lines, ([, item]) => item),
    time: Float64Array.from(lines, ([, , day]) => START + day * DAY),
    quantity: Float64Array.from(lines, ([, , , quantity]) => quantity ?? 1),
    value: Float64Array.from(lines, () => NaN),
    basket: Int32Array.from(lines, ([, , , , basket]) => basket ?? -1),
  };
}

/** A catalogue of `count` things with keys like "c7". */
export function catalogue(prefix: string, count: number): Catalogue {
  const keys = Array.from({ length: count }, (_, n) => `${prefix}${n}`);
  return { keys, names: keys.map((key) => `The ${key}`) };
}

/**
 * The checkerboard: customers buy items of their own parity only, all but one each, which the known answer must put
 * first. Source: the test data of benfred/implicit.
 */
export function checkerboard(size: number): Line[] {
  const lines: Line[] = [];
  for (let customer = 0; customer < size; customer++)
    for (let item = 0; item < size; item++)
      if (item % 2 === customer % 2 && item !== customer) lines.push([customer, item, 1]);
  return lines;
}

/**
 * A small wholesaler with structure to find: customers belong to one of `groups`, buy their group's items again and
 * again, and now and then try another of it; a few items sell to everybody.
 */
export function wholesaler(
  options: { customers?: number; items?: number; groups?: number; days?: number } = {},
) {
  const { customers = 120, items = 60, groups = 4, days = 300 } = options;
  const random = seededRandom(7);
  const lines: Line[] = [];
  let basket = 0;
  for (let customer = 0; customer < customers; customer++) {
    const group = customer % groups;
    const own = Array.from({ length: items }, (_, item) => item).filter((item) => item % groups === group);
    const habit = own.filter(() => random() < 0.4);
    const every = 8 + Math.floor(random() * 20);
    for (let day = Math.floor(random() * every); day < days; day += every, basket++) {
      for (const item of habit)
        if (random() < 0.6) lines.push([customer, item, day, 1 + (basket % 5), basket]);
      const next = own[Math.floor(random() * own.length)] ?? 0;
      if (random() < 0.5) {
        lines.push([customer, next, day, 1, basket]);
        if (random() < 0.5) habit.push(next);
      }
      if (random() < 0.1) lines.push([customer, Math.floor(random() * 3), day, 1, basket]);
    }
  }
  return {
    interactions: toInteractions(lines),
    customers: catalogue('c', customers),
    items: catalogue('i', items),
  };
}
