import { setImmediate } from 'node:timers/promises';
import type { RankingMetrics } from '#core/metrics';
import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { profileOf, type Profile } from './data.ts';
import { rank, type Shelf } from './rank.ts';
import type { Cases } from './split.ts';

/** Lists items for a profile, best first. */
export type Lister = (profile: Profile, k: number) => readonly number[];

/** Which of a customer's purchases in the window count for a slot: never bought before, bought before, or all. */
export type Question = SlotName | 'overall';

export interface Evaluation {
  readonly metrics: RankingMetrics;
  /** Customers with at least one target. */
  readonly customers: number;
}

/** How `model` answers `slot` when served: the same `rank`. */
export function listerOf(model: Model, shelf: Shelf, slot: SlotName): Lister {
  return (profile, k) => rank(model, profile, shelf, { slot, k }).map(({ item }) => item);
}

/** All items: first what `reorder` says of the bought ones, then what `discover` says of the others. */
export function overallLister(reorder: Lister, discover: Lister): Lister {
  return (profile, k) => {
    const again = reorder(profile, k);
    return again.length >= k ? again : [...again, ...discover(profile, k - again.length)];
  };
}

/** `targets` that belong to the question: items ascending in both arrays. */
export function targetsFor(question: Question, targets: Int32Array, bought: Int32Array): Int32Array {
  if (question === 'overall') return targets;
  const had = new Set(bought);
  return targets.filter((item) => had.has(item) === (question === 'reorder'));
}

/**
 * Full ranking: per customer, recall = hits / targets and NDCG with gain 1 per hit and the ideal list of
 * min(k, targets) hits; means over customers with a target. `coverage` is the share of `catalogue` items seen in
 * anybody's first 10.
 */
export async function evaluate(
  lister: Lister,
  cases: Cases,
  question: Question,
  options: { k: readonly number[]; catalogue: number; signal?: AbortSignal },
): Promise<Evaluation> {
  const lengths = [...new Set([10, 20, ...options.k])].sort((a, b) => a - b);
  const longest = lengths.at(-1) ?? 20;
  const sums = lengths.map(() => ({ recall: 0, ndcg: 0 }));
  const seen = new Set<number>();
  let customers = 0;
  for (let n = 0; n < cases.customers.length; n++) {
    const profile = profileOf(cases.before, cases.customers[n]!);
    const targets = targetsFor(question, cases.targets[n]!, profile.items);
    if (targets.length === 0) continue;
    customers++;
    const list = lister(profile, longest);
    for (const item of list.slice(0, 10)) seen.add(item);
    lengths.forEach((k, l) => {
      const { recall, ndcg } = measureList(list, targets, k);
      sums[l]!.recall += recall;
      sums[l]!.ndcg += ndcg;
    });
    if (n % 32 === 31) {
      await setImmediate();
      options.signal?.throwIfAborted();
    }
  }
  const mean = (k: number, what: 'recall' | 'ndcg') =>
    customers === 0 ? 0 : Math.min(1, (sums[lengths.indexOf(k)]?.[what] ?? 0) / customers);
  return {
    customers,
    metrics: {
      ndcg10: mean(10, 'ndcg'),
      recall10: mean(10, 'recall'),
      recall20: mean(20, 'recall'),
      coverage: options.catalogue === 0 ? 0 : seen.size / options.catalogue,
      at: [...new Set(options.k)].map((k) => ({ k, recall: mean(k, 'recall'), ndcg: mean(k, 'ndcg') })),
    },
  };
}

/** Recall and NDCG of the first `k` of one list. */
export function measureList(
  list: readonly number[],
  targets: Int32Array,
  k: number,
): { recall: number; ndcg: number } {
  const wanted = new Set(targets);
  let hits = 0;
  let gain = 0;
  for (let place = 0; place < Math.min(k, list.length); place++)
    if (wanted.has(list[place]!)) {
      hits++;
      gain += 1 / Math.log2(place + 2);
    }
  let ideal = 0;
  for (let place = 0; place < Math.min(k, wanted.size); place++) ideal += 1 / Math.log2(place + 2);
  return { recall: hits / wanted.size, ndcg: gain / ideal };
}
