import { getHistory, listCustomers, recommend } from '#core/api/recommend';
import type { z } from 'zod';
import type { Call } from '#scripts/start/session';

/** What one customer bought and is offered. */
export interface CustomerAnswer {
  readonly customer: { readonly id: string; readonly name: string | null };
  /** Most often bought first. */
  readonly bought: z.output<typeof getHistory.answer>['items'];
  readonly discover: z.output<typeof recommend.answer>['items'];
  readonly reorder: z.output<typeof recommend.answer>['items'];
}

/** Asks the deployed model about `count` customers: a big, a middling and a small one, and so on. */
export async function askForCustomers(call: Call, count: number): Promise<CustomerAnswer[]> {
  const known = await call(listCustomers, { body: { limit: 200 } });
  const answers: CustomerAnswer[] = [];
  for (const customer of spread(known.items, count)) {
    const history = await call(getHistory, { body: { customer, limit: 10 } });
    const discover = await call(recommend, { body: { customer, slot: 'discover', limit: 10 } });
    const reorder = await call(recommend, { body: { customer, slot: 'reorder', limit: 10 } });
    answers.push({
      customer: history.customer,
      bought: history.items,
      discover: discover.items,
      reorder: reorder.items,
    });
  }
  return answers;
}

/**
 * Ids of `count` customers from the much buying to the little buying: the middles of `count` equal shares, by number of
 * different articles. Customers with fewer than three are left out while there are others.
 */
export function spread(
  customers: readonly { readonly id: string; readonly items: number }[],
  count: number,
): string[] {
  const enough = customers.filter(({ items }) => items >= 3);
  const pool = (enough.length >= count ? enough : [...customers]).toSorted(
    (a, b) => b.items - a.items || (a.id < b.id ? -1 : 1),
  );
  const picks = Array.from(
    { length: Math.min(count, pool.length) },
    (_, index) => pool[Math.floor(((index + 0.5) * pool.length) / Math.min(count, pool.length))],
  );
  return picks.flatMap((pick) => (pick === undefined ? [] : [pick.id]));
}
