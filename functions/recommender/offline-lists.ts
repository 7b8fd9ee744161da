import { SLOTS } from '#core/slot';
import { OFFLINE_CUSTOMERS, OFFLINE_LIST_LENGTH, type OfflineLists } from '#core/training-result';
import type { Recommender } from './recommend.ts';

/** The list that `/v1/recommend` gives with default filters: the same call in the trainer and in the service. */
export function listFor(
  recommender: Recommender,
  customer: string,
  slot: (typeof SLOTS)[number],
  limit = OFFLINE_LIST_LENGTH,
): string[] {
  const id = recommender.customerId(customer);
  const profile = id === null ? recommender.basket([]) : recommender.profile(id);
  return recommender
    .recommend(profile, { slot, k: limit })
    .map(({ item }) => recommender.items.keys[item] ?? '');
}

/** Lists of up to OFFLINE_CUSTOMERS customers spread evenly over the vocabulary, customer by customer, for each slot. */
export function offlineLists(recommender: Recommender): OfflineLists {
  const { keys } = recommender.customers;
  const step = Math.max(1, keys.length / OFFLINE_CUSTOMERS);
  const lists: OfflineLists = [];
  for (let at = 0; at < keys.length && lists.length < OFFLINE_CUSTOMERS * SLOTS.length; at += step) {
    const customer = keys[Math.floor(at)] ?? '';
    for (const slot of SLOTS) lists.push({ customer, slot, items: listFor(recommender, customer, slot) });
  }
  return lists;
}
