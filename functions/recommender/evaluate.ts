import { setImmediate } from 'node:timers/promises';
import type { RankingMetrics } from '#core/metrics';
import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { profileOf, type History, type Profile } from './data.ts';
import { rank, rankMany, type Shelf } from './rank.ts';
import { ROWS } from './score-rows.ts';
import type { Cases } from './split.ts';

/** Lists items for a profile, best first. */
export type Lister = (profile: Profile, k: number) => readonly number[];

/** The list of case n, best first, made beforehand (by threads, say). */
export type ListOfCase = (n: number, k: number) => readonly number[];

/** Which of a customer's purchases in the window count for a slot: never bought before, bought before, or all. */
export type Question = SlotName | 'overall';

/** The figure that decides between settings: NDCG or recall of the first k. */
export interface Goal {
  readonly what: 'ndcg' | 'recall';
  readonly k: number;
}

/** What slots are decided by, everywhere but in benchmarks with a protocol of their own. */
export const NDCG10: Goal = { what: 'ndcg', k: 10 };

export interface EvaluateOptions {
  /** List lengths to report beside 10 and 20. */
  readonly k: readonly number[];
  /** Items in all. */
  readonly catalogue: number;
  readonly goal?: Goal;
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly metrics: RankingMetrics;
  /** Customers with at least one target. */
  readonly customers: number;
  /** The goal, mean over these customers. */
  readonly figure: number;
  /** The goal by case, parallel to `cases.customers`; NaN where the customer has no target. */
  readonly figures: Float32Array;
  /** Recall of the first 10 by case, likewise. */
  readonly recalls: Float32Array;
}

/** How `model` answers `slot` when served: the same `rank`. */
export function listerOf(model: Model, shelf: Shelf, slot: SlotName): Lister {
  return (profile, k) => rank(model, profile, shelf, { slot, k }).map(({ item }) => item);
}

/** `listerOf` for cases that are asked in turn, scored together where the model can. */
export function listsOf(model: Model, shelf: Shelf, slot: SlotName, cases: Cases): ListOfCase {
  const profile = (n: number) => profileOf(cases.before, cases.customers[n]!);
  const isAsked = (n: number) => targetsFor(slot, cases.targets[n]!, profile(n).items).length > 0;
  let known: { k: number; lists: Map<number, readonly number[]> } = { k: 0, lists: new Map() };
  return (n, k) => {
    const list = known.k === k ? known.lists.get(n) : undefined;
    if (list) return list;
    const block = [n];
    // Who has no target is not asked, so is not worth a row.
    for (let m = n + 1; m < cases.customers.length && block.length < ROWS; m++) if (isAsked(m)) block.push(m);
    const ranked = rankMany(
      model,
      block.map((m) => profile(m)),
      shelf,
      { slot, k },
    );
    known = { k, lists: new Map(block.map((m, row) => [m, ranked[row]!.map(({ item }) => item)])) };
    return known.lists.get(n)!;
  };
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
export function evaluate(
  lister: Lister,
  cases: Cases,
  question: Question,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const listOf: ListOfCase = (n, k) => lister(profileOf(cases.before, cases.customers[n]!), k);
  return evaluateLists(listOf, cases, question, options);
}

/** The longest list that `evaluate` looks at. */
export function longestList({ k, goal = NDCG10 }: EvaluateOptions): number {
  return Math.max(20, goal.k, ...k);
}

/** `evaluate` over lists by case. */
export async function evaluateLists(
  listOf: ListOfCase,
  cases: Cases,
  question: Question,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { goal = NDCG10, k: asked, signal } = options;
  const lengths = [...new Set([10, 20, goal.k, ...asked])];
  const sums = new Map(lengths.map((k) => [k, { recall: 0, ndcg: 0 }]));
  const figures = new Float32Array(cases.customers.length).fill(NaN);
  const recalls = figures.slice();
  const tenth = makeTenth(cases.before, options.catalogue);
  let [customers, precision, hit, figure] = [0, 0, 0, 0];
  for (let n = 0; n < cases.customers.length; n++) {
    const all = cases.targets[n]!;
    const targets = targetsFor(question, all, profileOf(cases.before, cases.customers[n]!).items);
    if (targets.length === 0) continue;
    customers++;
    const list = listOf(n, longestList(options));
    for (const [k, sum] of sums) {
      const found = measureList(list, targets, k);
      sum.recall += found.recall;
      sum.ndcg += found.ndcg;
      if (k === goal.k) figures[n] = found[goal.what];
      if (k === 10) recalls[n] = found.recall;
    }
    figure += figures[n]!;
    const average = averagePrecision(list, targets, 10);
    precision += average;
    if (average > 0) hit++;
    tenth.add(list, targets, all, cases.values?.[n]);
    if (n % 32 === 31) {
      await setImmediate();
      signal?.throwIfAborted();
    }
  }
  const mean = (sum: number) => (customers === 0 ? 0 : Math.min(1, sum / customers));
  const at = (k: number) => ({ k, recall: mean(sums.get(k)!.recall), ndcg: mean(sums.get(k)!.ndcg) });
  return {
    customers,
    figure: mean(figure),
    figures,
    recalls,
    metrics: {
      ndcg10: at(10).ndcg,
      recall10: at(10).recall,
      recall20: at(20).recall,
      map10: mean(precision),
      hitRate10: mean(hit),
      ...tenth.metrics(),
      at: [...new Set(asked)].map(at),
    },
  };
}

/** What the first ten places of all lists say together: coverage, novelty, popularity bias, value found. */
function makeTenth(before: History, catalogue: number) {
  const byBuyers = before.buyers.slice().sort();
  // As many buyers as the last item of the best-selling tenth has; of equals none is left out.
  const popular = Math.max(1, byBuyers.at(-Math.max(1, Math.ceil(byBuyers.length / 10))) ?? 1);
  const seen = new Set<number>();
  let [places, bits, hot, valued, share] = [0, 0, 0, 0, 0];
  return {
    add(list: readonly number[], targets: Int32Array, all: Int32Array, values?: Float32Array): void {
      const end = Math.min(10, list.length);
      const first = new Set<number>();
      for (let place = 0; place < end; place++) {
        const item = list[place]!;
        const buyers = before.buyers[item]!;
        first.add(item);
        seen.add(item);
        places++;
        bits -= Math.log2(Math.max(1, buyers) / Math.max(1, before.customers));
        if (buyers >= popular) hot++;
      }
      const wanted = new Set(targets);
      let [total, found] = [0, 0];
      values?.forEach((value, t) => {
        const item = all[t]!;
        if (!(value > 0) || !wanted.has(item)) return;
        total += value;
        if (first.has(item)) found += value;
      });
      if (total === 0) return;
      valued++;
      share += found / total;
    },
    metrics: () => ({
      coverage: catalogue === 0 ? 0 : seen.size / catalogue,
      novelty: places === 0 ? 0 : Math.max(0, bits / places),
      popularityBias: places === 0 ? 0 : hot / places,
      ...(valued === 0 ? {} : { valueRecall10: Math.min(1, share / valued) }),
    }),
  };
}

/** Mean over the hits of the first `k` of the precision down to each, out of min(k, targets). */
export function averagePrecision(list: readonly number[], targets: Int32Array, k: number): number {
  const wanted = new Set(targets);
  let [hits, sum] = [0, 0];
  for (let place = 0; place < Math.min(k, list.length); place++)
    if (wanted.has(list[place]!)) sum += ++hits / (place + 1);
  return sum / Math.min(k, wanted.size);
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
