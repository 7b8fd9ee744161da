import { setImmediate } from 'node:timers/promises';
import type { SlotName } from '#core/slot';
import type { Recommender } from './recommend.ts';

/** One line of everybody's lists. */
export interface BatchRow {
  readonly customer: string;
  /** From 1. */
  readonly place: number;
  readonly item: string;
  readonly name: string | null;
  readonly score: number;
}

/**
 * The first `k` of every customer's list in a slot, customer by customer in the order of their ids: what `/v1/recommend` answers
 * with its defaults. Lets the event loop breathe; an abort ends it with the signal's reason.
 */
export async function* batchRows(
  recommender: Recommender,
  slot: SlotName,
  k: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly BatchRow[]> {
  const { customers, items } = recommender;
  for (const [id, customer] of customers.keys.entries()) {
    yield recommender.recommend(recommender.profile(id), { slot, k }).map(({ item, score }, n) => ({
      customer,
      place: n + 1,
      item: items.keys[item] ?? '',
      name: items.names[item] ?? null,
      score,
    }));
    if (id % 64 !== 63) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
}
