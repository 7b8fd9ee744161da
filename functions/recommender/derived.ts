import { setImmediate } from 'node:timers/promises';
import type { DerivedMetrics } from '#core/metrics';
import type { AlgorithmName, DerivedSlot, DerivedWay } from '#core/slot';
import type { Model } from './algorithm.ts';
import { removeBit } from './bits.ts';
import { bootstrapDifference } from './bootstrap.ts';
import { topOf } from './candidates.ts';
import { basketProfile, DAY_MS, type History, type Interactions } from './data.ts';
import { measureList } from './evaluate.ts';
import { newItemCases } from './new-items.ts';
import { seededRandom, shuffled } from './random.ts';
import { rank, type Shelf } from './rank.ts';

/**
 * The questions that the models of the slots answer too: each measured on the test window beside its baseline, so that it is
 * known whether they do (which model answers: choose-derived.ts).
 */

/** Given something, some items by default, which others belong to it? Items ascend. */
export interface DerivedCase<Given = Int32Array> {
  readonly given: Given;
  readonly targets: Int32Array;
}

/** The cases by question. */
export type DerivedCases = Readonly<Record<Exclude<DerivedSlot, 'cold-item'>, DerivedCase[]>> & {
  readonly 'cold-item': DerivedCase<number>[];
};

/** Cases per question, at most: enough for the interval, and a second of work. */
const MOST_CASES = 800;

/**
 * The cases of the window `from <= time < until` (milliseconds), among items that `before` knows, at most MOST_CASES drawn by
 * `seed` for each question:
 * - `similar`: an item; what lay in the same baskets.
 * - `basket`: a basket without one of its items; that item.
 * - `cold-customer`: the first basket of a customer who had bought nothing before; what it bought later.
 * - `cold-item`: a customer who had bought something before; what it bought that nobody had.
 */
export function derivedCases(
  lines: Interactions,
  before: History,
  from: number,
  seed: number,
  until = Infinity,
): DerivedCases {
  const baskets = basketsFrom(lines, before, from, until);
  const random = seededRandom(seed);
  const beside = new Map<number, Set<number>>();
  const basket: DerivedCase[] = [];
  const first = new Map<number, Int32Array>();
  const later = new Map<number, Set<number>>();
  for (const { customer, items } of baskets) {
    if (items.length >= 2) {
      const out = Math.floor(random() * items.length);
      basket.push({ given: items.filter((_, n) => n !== out), targets: items.slice(out, out + 1) });
      for (const item of items)
        for (const other of items)
          if (other !== item) beside.set(item, (beside.get(item) ?? new Set()).add(other));
    }
    if (before.indptr[customer]! < before.indptr[customer + 1]!) continue;
    if (first.has(customer)) {
      const more = later.get(customer) ?? new Set();
      for (const item of items) if (!first.get(customer)!.includes(item)) more.add(item);
      later.set(customer, more);
    } else first.set(customer, items);
  }
  const ascending = (items: Iterable<number>) => Int32Array.from(items).sort();
  const similar = [...beside].map(([item, others]) => ({
    given: Int32Array.of(item),
    targets: ascending(others),
  }));
  const cold = [...later].flatMap(([customer, items]) =>
    items.size === 0 ? [] : [{ given: first.get(customer)!, targets: ascending(items) }],
  );
  const draw = <Case>(cases: Case[]) => shuffled(cases, random).slice(0, MOST_CASES);
  return {
    similar: draw(similar),
    basket: draw(basket),
    'cold-customer': draw(cold),
    'cold-item': draw(newItemCases(lines, before, from)),
  };
}

/** The window's baskets in the order of their time, each with its different known items, ascending; empty ones left out. */
function basketsFrom(lines: Interactions, before: History, from: number, until: number) {
  const found = new Map<string, { customer: number; time: number; items: Set<number> }>();
  for (let n = 0; n < lines.item.length; n++) {
    const [time, customer, item] = [lines.time[n]!, lines.customer[n]!, lines.item[n]!];
    if (!(time >= from && time < until) || !(lines.quantity[n]! > 0) || !(before.buyers[item]! > 0)) continue;
    if (!(customer >= 0 && customer < before.customers)) continue;
    // Without numbers a customer's day is a basket.
    const number = lines.basket[n]! >= 0 ? `b${lines.basket[n]}` : `d${Math.floor(time / DAY_MS)}`;
    const key = `${customer} ${number}`;
    const known = found.get(key) ?? { customer, time, items: new Set() };
    known.items.add(item);
    found.set(key, { ...known, time: Math.min(known.time, time) });
  }
  return [...found.values()]
    .toSorted((a, b) => a.time - b.time)
    .map(({ customer, items }) => ({ customer, items: Int32Array.from(items).sort() }));
}

/** Lists items for a case, best first. */
export type DerivedLister<Given = Int32Array> = (given: Given, k: number) => readonly number[];

/** What a model offers to whoever has just these items. */
export function basketLister(model: Model, before: History, shelf: Shelf): DerivedLister {
  return (given, k) =>
    rank(model, basketProfile(given, before), shelf, { slot: 'discover', k }).map(({ item }) => item);
}

/** What a model likens to the first of the items; as `basketLister` where it likens nothing. */
export function similarLister(model: Model, before: History, shelf: Shelf): DerivedLister {
  if (model.similar === undefined) return basketLister(model, before, shelf);
  const likened: Model = {
    score: (profile, scores) => model.similar?.(profile.items[0] ?? 0, scores),
    save: () => undefined,
  };
  return (given, k) => {
    const allowed = shelf.discoverable.slice();
    for (const item of given) removeBit(allowed, item);
    return topOf(likened, basketProfile(given, before), k, allowed, shelf.scores).map(({ item }) => item);
  };
}

/** What a lister reaches on all cases: NDCG@10 by case, and the means. */
export async function scoreDerived<Given>(cases: readonly DerivedCase<Given>[], list: DerivedLister<Given>) {
  const ndcg = new Float32Array(cases.length);
  let recall = 0;
  for (const [n, { given, targets }] of cases.entries()) {
    const found = measureList(list(given, 10), targets, 10);
    ndcg[n] = found.ndcg;
    recall += found.recall;
    if (n % 64 === 63) await setImmediate();
  }
  const mean = ndcg.reduce((sum, figure) => sum + figure, 0) / Math.max(1, cases.length);
  const recall10 = Math.min(1, recall / Math.max(1, cases.length));
  return { ndcg, figures: { ndcg10: Math.min(1, mean), recall10 } };
}

/** Both listers on all cases, with the interval of the lead; null where there is no case. */
export async function measureDerived<Given>(
  cases: readonly DerivedCase<Given>[],
  ours: { name: DerivedWay; on?: AlgorithmName; list: DerivedLister<Given> },
  theirs: { name: DerivedWay; list: DerivedLister<Given> },
  seed: number,
): Promise<DerivedMetrics | null> {
  if (cases.length === 0) return null;
  const [mine, other] = [await scoreDerived(cases, ours.list), await scoreDerived(cases, theirs.list)];
  return {
    cases: cases.length,
    algorithm: ours.name,
    ...(ours.on ? { on: ours.on } : {}),
    model: mine.figures,
    baseline: { algorithm: theirs.name, ...other.figures },
    lead: bootstrapDifference(mine.ndcg, other.ndcg, seed),
  };
}
