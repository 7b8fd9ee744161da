import { z } from 'zod';
import { setImmediate } from 'node:timers/promises';
import type { Model } from './algorithm.ts';
import { bootstrapDifference } from './bootstrap.ts';
import { profileOf, type Profile } from './data.ts';
import { measureList, type Lister } from './evaluate.ts';
import type { Journal } from './journal.ts';
import { rank, type Ranked, type Shelf } from './rank.ts';
import type { Cases } from './split.ts';

/*
 * One list of re-orders and discoveries. Each side's scores are divided by its best for the customer, the discoveries'
 * multiplied by a share, and the two merged: at 0 all re-orders come first, at 1 both best offers stand side by side.
 */

/**
 * Merges the two lists, each best first; an item without a score of its model keeps its place after those with one. `best`:
 * each side's best score, where it is not that of its first, because something was made louder.
 */
export function mergeNextOrder(
  reorder: readonly Ranked[],
  discover: readonly Ranked[],
  share: number,
  k: number,
  best: readonly [again: number, fresh: number] = [reorder[0]?.score ?? 0, discover[0]?.score ?? 0],
): Ranked[] {
  if (share <= 0) return [...reorder, ...discover].slice(0, k);
  const [mostAgain, mostNew] = best;
  const merged: Ranked[] = [];
  let [a, d] = [0, 0];
  while (merged.length < k && (a < reorder.length || d < discover.length)) {
    const again = reorder[a];
    const next = discover[d];
    const loudAgain = again === undefined ? -1 : mostAgain > 0 ? again.score / mostAgain : 0;
    const loudNext = next === undefined ? -1 : mostNew > 0 ? (share * next.score) / mostNew : 0;
    // Of equals the re-order, which is the surer bet.
    if (next === undefined || (again !== undefined && loudAgain >= loudNext)) {
      merged.push(again!);
      a++;
    } else {
      merged.push(next);
      d++;
    }
  }
  return merged;
}

/** The merged list as a lister. Both models must belong to `shelf`'s history. */
export function nextOrderLister(reorder: Model, discover: Model, shelf: Shelf, share: number): Lister {
  return (profile, k) => {
    const [again, fresh] = bothSides(reorder, discover, shelf, profile, k);
    return mergeNextOrder(again, fresh, share, k).map(({ item }) => item);
  };
}

function bothSides(reorder: Model, discover: Model, shelf: Shelf, profile: Profile, k: number) {
  const again = rank(reorder, profile, shelf, { slot: 'reorder', k });
  return [again, rank(discover, profile, shelf, { slot: 'discover', k })] as const;
}

const SHARES = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1] as const;

/**
 * The share with the best NDCG@10 against everything that the customers of `cases` bought; 0 unless its lead over 0 is
 * beyond chance. A step of the journal.
 */
export async function learnShare(
  models: () => Promise<{ reorder: Model; discover: Model }>,
  cases: Cases,
  shelf: Shelf,
  { journal, seed, signal }: { journal: Journal; seed: number; signal?: AbortSignal },
): Promise<number> {
  return journal.step('next-order share', z.number(), async () => {
    const { reorder, discover } = await models();
    const figures = new Map([0, ...SHARES].map((share) => [share, new Float32Array(cases.customers.length)]));
    for (let n = 0; n < cases.customers.length; n++) {
      const profile = profileOf(cases.before, cases.customers[n]!);
      const [again, fresh] = bothSides(reorder, discover, shelf, profile, 10);
      for (const [share, of] of figures) {
        const list = mergeNextOrder(again, fresh, share, 10).map(({ item }) => item);
        of[n] = measureList(list, cases.targets[n]!, 10).ndcg;
      }
      if (n % 32 === 31) {
        await setImmediate();
        signal?.throwIfAborted();
      }
    }
    const mean = (share: number) => figures.get(share)!.reduce((sum, figure) => sum + figure, 0);
    const best = SHARES.reduce((a, b) => (mean(b) > mean(a) ? b : a));
    const lead = bootstrapDifference(figures.get(best)!, figures.get(0)!, seed);
    return lead.low > 0 ? best : 0;
  });
}
