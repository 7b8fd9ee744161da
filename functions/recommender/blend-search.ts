import { setImmediate } from 'node:timers/promises';
import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { inverseSpread } from './algorithms/blend.ts';
import { profileOf } from './data.ts';
import { targetsFor, type Goal } from './evaluate.ts';
import { hasBit } from './bits.ts';
import { selectTop } from './candidates.ts';
import type { Shelf } from './rank.ts';
import { ROWS, scoreRows } from './score-rows.ts';
import type { Cases } from './split.ts';

/** One customer as the weights see it: the items that any part lists, each part's scores of them, and which were bought. */
export interface BlendCase {
  /** Its place among the cases. */
  readonly n: number;
  /** The items, ascending. */
  readonly items: Int32Array;
  /** Parts × items, divided by each part's spread. */
  readonly scores: readonly Float32Array[];
  readonly hit: Uint8Array;
  readonly targets: number;
}

/** Items of each part that can come to stand in the first places of a mixture. */
const CANDIDATES = 120;

/** Weights tried for a part beside the first, whose weight is 1. */
const WEIGHTS = [0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.5, 2.5] as const;

/** Below this a part only costs time. */
const LEAST_WEIGHT = 0.04;

/** Parts a blend has at most: each is a model to fit, to ship and to ask. */
const MOST_PARTS = 3;

/**
 * Weights (the first is 1) under which the parts' sum does best on `cases` for the goal: each weight in turn by the grid above,
 * in rounds, then finer. At most three are not 0.
 */
export function learnWeights(cases: readonly BlendCase[], goal: Goal): number[] {
  return climb(cases[0]?.scores.length ?? 1, (weights) => meanFigure(cases, weights, goal));
}

/** The first `k` items of a case under `weights`, best first; those with a sum of 0 or less are none. */
export function mixedList({ items, scores }: BlendCase, weights: readonly number[], k: number): number[] {
  return selectTop(mix(scores, weights, items.length), k, () => true).map((at) => items[at]!);
}

function mix(scores: readonly Float32Array[], weights: readonly number[], length: number): Float32Array {
  const total = new Float32Array(length);
  scores.forEach((part, p) => {
    const weight = weights[p]!;
    if (weight >= LEAST_WEIGHT) for (let n = 0; n < length; n++) total[n]! += weight * part[n]!;
  });
  return total;
}

/** The coordinate search itself: pure. */
export function climb(parts: number, figure: (weights: readonly number[]) => number): number[] {
  let weights: readonly number[] = Array.from({ length: parts }, (_, part) => (part === 0 ? 1 : 0));
  let best = figure(weights);
  const tryWeight = (part: number, weight: number) => {
    const other = weights.with(part, weight);
    const used = other.filter((w) => w >= LEAST_WEIGHT).length;
    if (weight === weights[part] || used > MOST_PARTS) return false;
    const reached = figure(other);
    if (reached <= best) return false;
    best = reached;
    weights = other;
    return true;
  };
  for (let round = 0, moved = true; moved && round < 3; round++) {
    moved = false;
    for (let part = 1; part < parts; part++)
      for (const weight of WEIGHTS) if (tryWeight(part, weight)) moved = true;
  }
  for (let part = 1; part < parts; part++)
    for (const factor of [0.75, 0.9, 1.1, 1.3]) tryWeight(part, weights[part]! * factor);
  return weights.map((weight) => (weight < LEAST_WEIGHT ? 0 : Number(weight.toPrecision(4))));
}

/** The cases that have a target in the slot; each of `models` scores each of them once. */
export async function gatherCases(
  models: readonly Model[],
  cases: Cases,
  slot: SlotName,
  { shelf, signal }: { shelf: Shelf; signal?: AbortSignal },
): Promise<BlendCase[]> {
  const gathered: BlendCase[] = [];
  const { items } = shelf;
  const room = models.map(() => new Float32Array(ROWS * items));
  for (let n = 0; n < cases.customers.length; n++) {
    const profile = profileOf(cases.before, cases.customers[n]!);
    const row = n % ROWS;
    if (row === 0) {
      const block = Array.from(cases.customers.subarray(n, n + ROWS), (c) => profileOf(cases.before, c));
      models.forEach((model, part) => scoreRows(model, block, room[part]!.subarray(0, block.length * items)));
    }
    const scores = room.map((rows) => rows.subarray(row * items, (row + 1) * items));
    const targets = new Set(targetsFor(slot, cases.targets[n]!, profile.items));
    if (targets.size === 0) continue;
    const bought = new Set(profile.items);
    const allowed = (item: number) =>
      slot === 'reorder' ? bought.has(item) : hasBit(shelf.discoverable, item) && !bought.has(item);
    const listed = new Set<number>();
    for (const part of scores) for (const item of selectTop(part, CANDIDATES, allowed)) listed.add(item);
    // Ascending, so that equal sums rank as they do when served.
    const candidates = Int32Array.from(listed).sort();
    gathered.push({
      n,
      items: candidates,
      scores: scores.map((all) => {
        const scale = inverseSpread(all);
        return Float32Array.from(candidates, (item) => scale * all[item]!);
      }),
      hit: Uint8Array.from(candidates, (item) => (targets.has(item) ? 1 : 0)),
      targets: targets.size,
    });
    if (n % 16 === 15) {
      await setImmediate();
      signal?.throwIfAborted();
    }
  }
  return gathered;
}

function meanFigure(cases: readonly BlendCase[], weights: readonly number[], goal: Goal): number {
  let sum = 0;
  for (const { scores, hit, targets } of cases) {
    const list = selectTop(mix(scores, weights, hit.length), goal.k, () => true);
    let [gain, ideal] = [0, 0];
    if (goal.what === 'recall') {
      for (const n of list) gain += hit[n]!;
      ideal = targets;
    } else {
      list.forEach((n, place) => (gain += hit[n]! / Math.log2(place + 2)));
      for (let place = 0; place < Math.min(goal.k, targets); place++) ideal += 1 / Math.log2(place + 2);
    }
    sum += gain / ideal;
  }
  return cases.length === 0 ? 0 : sum / cases.length;
}
