import { SLOTS } from '#core/slot';
import type { Recommender } from '#recommender/recommend';

/** Customers asked about, at most: enough for the ways through the code to be compiled. */
const CUSTOMERS = 100;
/** No further customer is asked about after this long. */
const MOST_MS = 250;

/**
 * Asks as customers will ask, before anybody does: what is made at first use (the index over the items' factors) and compiled
 * at first use is there when the instance says that it is ready. At least one question for each slot; a failure is a fault of
 * the version and is thrown.
 * @returns how many customers were asked about
 */
export function warmUp(
  recommender: Pick<Recommender, 'customers' | 'profile' | 'basket' | 'recommend'>,
  clock: () => number = () => performance.now(),
): number {
  const until = clock() + MOST_MS;
  const known = recommender.customers.keys.length;
  const asked = Math.max(1, Math.min(CUSTOMERS, known));
  for (let n = 0; n < asked; n++) {
    // Spread over all of them; a version without customers answers strangers.
    const profile =
      known === 0 ? recommender.basket([]) : recommender.profile(Math.floor((n * known) / asked));
    for (const slot of SLOTS) recommender.recommend(profile, { slot, k: 10, explain: true });
    if (clock() >= until) return n + 1;
  }
  return asked;
}
