import { bootstrapMean, type Interval } from '../../../functions/recommender/bootstrap.ts';
import type { Model } from '../../../functions/recommender/algorithm.ts';
import { profileOf } from '../../../functions/recommender/data.ts';
import { measureList, targetsFor } from '../../../functions/recommender/evaluate.ts';
import type { ModelKeeper } from '../../../functions/recommender/model-keeper.ts';
import { seededRandom, shuffled } from '../../../functions/recommender/random.ts';
import type { SearchResult } from '../../../functions/recommender/search.ts';
import type { Cases } from '../../../functions/recommender/split.ts';
import { settingKey, type Setting } from '../../../functions/recommender/trial-plan.ts';
import { partsOf, type Measuring } from './measuring-plan.ts';
import type { Listing } from './threads.ts';

export interface Measured extends Measuring {
  readonly recall: Interval;
  readonly ndcg: Interval;
  /** Users measured: all of them unless the time ended. */
  readonly users: number;
}

export interface MeasuringTools {
  readonly found: SearchResult;
  /** Models on all of the training items. */
  readonly keeper: ModelKeeper;
  readonly test: Cases;
  readonly listing: Listing;
  readonly seed: number;
  readonly seconds: () => number;
  /** When all of it is to have ended, in seconds of that clock. */
  readonly until: number;
}

/** Length of the lists. */
const K = 20;
/** Users asked between two looks at the clock. */
const SLICE = 2048;
/** Users that a figure beside the chosen one's is worth telling of. */
const LEAST_USERS = 400;
/** Of all the time, the least that anything is begun with. */
const LEAST_LEFT = 0.03;
/** Of the time that is left when the chosen is fitted, what is kept to ask it. */
const TO_ASK = 0.4;

/**
 * What `plan` names, in its order, while there is time; the first is what was chosen. That one is always measured: where its fit
 * on all training items does not end in time, by the model that it was chosen by, and that is said.
 */
export async function measureAll(plan: readonly Measuring[], tools: MeasuringTools): Promise<Measured[]> {
  const { test, seconds, until, found, keeper } = tools;
  const measured: Measured[] = [];
  for (const [n, one] of plan.entries()) {
    const { setting, names } = one;
    const isFirst = n === 0;
    const left = until - seconds();
    const asking = test.customers.length;
    const known = keeper.has(setting);
    const fit = known ? 0 : found.expected(setting, 0);
    const each = (found.expected(setting, asking) - found.expected(setting, 0)) / Math.max(1, asking);
    if (!isFirst && (left < LEAST_LEFT * until || fit + LEAST_USERS * each > left)) {
      console.log(
        `  not measured, ${left.toFixed(0)} s are left and its fit alone is expected to take ${fit.toFixed(0)} s: ${settingKey(setting)}`,
      );
      continue;
    }
    const model = await fitInTime(setting, isFirst ? (1 - TO_ASK) * left : left, tools);
    if (model === null && !isFirst) {
      console.log(`  not measured, its fit ran out of time: ${settingKey(setting)}`);
      continue;
    }
    if (model === null)
      console.log(
        '  its fit on all training items ran out of time: measured by the model that it was chosen by',
      );
    const result = { ...one, ...(await measureModel(setting, model ?? (await found.model(setting)), tools)) };
    if (result.users === 0) {
      console.log(`  not measured, the time is over: ${settingKey(setting)}`);
      continue;
    }
    measured.push(result);
    const all =
      result.users === asking
        ? `all ${asking}`
        : `${result.users} of ${asking}, a random sample: the time is over,`;
    console.log(
      `  ${seconds().toFixed(0).padStart(4)} s  ${names.map((name) => name || 'chosen').join(', ')}: recall20 ${result.recall.mean.toFixed(4)}  ndcg20 ${result.ndcg.mean.toFixed(4)}  of ${all} users`,
    );
  }
  return measured;
}

/** The model on all training items, kept with its parts for those that are made of the same; null where it takes longer. */
async function fitInTime(
  setting: Setting,
  allowed: number,
  { keeper }: MeasuringTools,
): Promise<Model | null> {
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(1000 * allowed)));
  try {
    for (const { algorithm, options } of partsOf(setting)) {
      const part = { algorithm, options };
      const { model } = await keeper.make(part, deadline);
      keeper.keep(settingKey(part), model, part, part, { effort: 1, figure: 0 });
    }
    return (await keeper.make(setting, deadline)).model;
  } catch (error) {
    if (deadline.aborted && error === deadline.reason) return null;
    throw error;
  }
}

/** Slice after slice of the users in a seeded order, until all are measured or the time is over. */
async function measureModel(
  setting: Setting,
  model: Model,
  { test, listing, seed, seconds, until }: MeasuringTools,
): Promise<Omit<Measured, keyof Measuring>> {
  const order = shuffled(test.customers.keys(), seededRandom(seed));
  const recall = new Float32Array(order.length).fill(NaN);
  const ndcg = recall.slice();
  let users = 0;
  for (let took = 0; users < order.length && seconds() + took < until;) {
    const began = seconds();
    const slice = order.slice(users, users + (users === 0 ? LEAST_USERS : SLICE)).toSorted((a, b) => a - b);
    const part = { ...test, customers: Int32Array.from(slice, (n) => test.customers[n]!) };
    const { listOf } = await listing(setting, model, part, 'discover', K);
    for (const [at, n] of slice.entries()) {
      const bought = profileOf(test.before, test.customers[n]!).items;
      const targets = targetsFor('discover', test.targets[n]!, bought);
      if (targets.length === 0) continue;
      const figures = measureList(listOf(at, K), targets, K);
      [recall[n], ndcg[n]] = [figures.recall, figures.ndcg];
    }
    // The first, small one also loads the model.
    took = users === 0 ? 0 : seconds() - began;
    users += slice.length;
  }
  return { recall: bootstrapMean(recall, seed), ndcg: bootstrapMean(ndcg, seed), users };
}
