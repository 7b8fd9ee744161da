import { ALGORITHMS, type AlgorithmName } from '../../../functions/core/slot.ts';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import type { Model } from '../../../functions/recommender/algorithm.ts';
import { blendModel, type BlendOptions } from '../../../functions/recommender/algorithms/blend.ts';
import { bootstrapMean } from '../../../functions/recommender/bootstrap.ts';
import { evaluateLists, type Evaluation } from '../../../functions/recommender/evaluate.ts';
import { openJournal } from '../../../functions/recommender/journal.ts';
import { withPool } from '../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../functions/recommender/random.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import {
  fitSetting,
  search,
  type SearchContext,
  type SearchResult,
} from '../../../functions/recommender/search.ts';
import { sampleCases, type Cases } from '../../../functions/recommender/split.ts';
import { settingKey, type Setting } from '../../../functions/recommender/trial-plan.ts';
import type { Winner } from '../../../functions/recommender/winner.ts';
import { historyOfRows, readUserLines } from '../user-lines.ts';
import { partsOf, planMeasuring, type Measuring } from './measuring-plan.ts';
import { cpuSeconds, makeResult, peakRssMiB, writeReport, type Result } from '../report/results.ts';
import { figureResult } from './report.ts';
import { evaluatorOf, withListThreads, type Listing } from './threads.ts';

export interface UsersOptions {
  readonly train: string;
  readonly test: string;
  readonly seed: number;
  readonly minutes: number;
  readonly threads: number;
  readonly report: string | undefined;
  /** Only these; all that need no times where absent. */
  readonly algorithms?: readonly AlgorithmName[];
  readonly trials: number;
}

/** Users whose items are held out to choose with; all others are learned from whole. */
const VALIDATION_USERS = 2000;
/** Of a held-out user's items one of so many: the split of the public sets. */
const HOLD_OUT_ONE_OF = 5;
/** Of the budget, for choosing; the rest fits and measures. */
const CHOOSING = 0.5;

/**
 * The protocol of NGCF, LightGCN and their successors: all items ranked but the user's training items, Recall@20 and
 * NDCG@20, mean over users with test items. Everything is chosen on a part of `train`; `test` is looked at once, by what
 * was chosen and by each algorithm's best setting, all fitted on the whole of `train`.
 */
export async function measureUsers(options: UsersOptions): Promise<void> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const trained = await readUserLines(options.train);
  const tested = await readUserLines(options.test, trained);
  const size = { customers: trained.users.keys.length, items: trained.items.keys.length };
  const whole = historyOfRows(trained.rows, size);
  const test = casesOf(whole, tested.rows);
  console.log(
    `${size.customers} users, ${size.items} items, ${whole.item.length} pairs to learn from; ${test.customers.length} users measured; ${options.minutes} minutes, ${options.threads} threads, seed ${options.seed}`,
  );
  const withoutTimes = ALGORITHMS.filter((name) => registry[name].slots.includes('discover'));
  const config = TrainingConfig.parse({
    preset: 'thorough',
    algorithms: [...(options.algorithms ?? withoutTimes)],
    slots: ['discover'],
    trials: options.trials,
    seconds: Math.max(1, options.minutes * 60 * CHOOSING - seconds()),
    minInteractionsPerItem: 1,
    halfLifeDays: null,
    k: [20],
    seed: options.seed,
  });
  await withPool(options.threads, (pool) =>
    withListThreads(options.threads, 1, async (listing) => {
      const context: SearchContext = {
        config,
        pool,
        journal: await openJournal('', seconds, null),
        goal: { what: 'ndcg', k: 20 },
        customers: VALIDATION_USERS,
        spared: ['popularity'],
        evaluate: evaluatorOf(listing),
        onTrial: ({ algorithm, options: tried, curve }) => {
          const at = curve?.at(-1);
          console.log(
            `  ${seconds().toFixed(0).padStart(4)} s  rung ${at?.rung} of ${at?.customers} users  ${algorithm.padEnd(16)} ndcg20 ${at?.figure.toFixed(4)}  ${at?.seconds.toFixed(1)} s  ${JSON.stringify(tried)}`,
          );
        },
      };
      const found = await search(holdOut(trained.rows, size, options.seed), context);
      const chosen = found.winners.discover;
      if (chosen === null)
        throw new Error('nothing could be tried within the time; give more --budget-minutes');
      console.log(`chosen after ${seconds().toFixed(0)} s: ${settingKey(chosen)}`);
      const best = Object.values(found.best.discover).toSorted((a, b) => b.figure - a.figure);
      const measured = await measureAll(planMeasuring(chosen, best, found.tried), {
        found,
        test,
        context,
        listing,
        seconds,
        until: options.minutes * 60,
      });
      report(measured, chosen, options, seconds());
    }),
  );
}

/** Users with a line in the test file and one to learn from; items that nobody bought before stay targets. */
function casesOf(before: Cases['before'], rows: readonly Int32Array[]): Cases {
  const customers = Int32Array.from(rows.keys()).filter(
    (c) => rows[c]!.length > 0 && before.indptr[c]! < (before.indptr[c + 1] ?? 0),
  );
  return {
    before,
    customers,
    targets: Array.from(customers, (c) => rows[c]!),
    newCustomers: 0,
    newItemPurchases: 0,
  };
}

/** A seeded fifth of the items of some users, out of what is learned from while choosing. */
function holdOut(
  rows: readonly Int32Array[],
  size: { customers: number; items: number },
  seed: number,
): Cases {
  const random = seededRandom(seed);
  const able = [...rows.keys()].filter((c) => rows[c]!.length >= 3);
  const drawn = able
    .map((c) => ({ c, at: random() }))
    .toSorted((a, b) => a.at - b.at || a.c - b.c)
    .slice(0, VALIDATION_USERS);
  const kept = [...rows];
  const held: Int32Array[] = rows.map(() => new Int32Array());
  for (const { c } of drawn) {
    const shuffled = Array.from(rows[c]!, (item) => ({ item, at: random() })).toSorted((a, b) => a.at - b.at);
    const out = Math.max(1, Math.round(shuffled.length / HOLD_OUT_ONE_OF));
    const ids = (part: typeof shuffled) => Int32Array.from(part, ({ item }) => item).sort();
    held[c] = ids(shuffled.slice(0, out));
    kept[c] = ids(shuffled.slice(out));
  }
  return casesOf(historyOfRows(kept, size), held);
}

interface Measured extends Measuring {
  readonly recall: Evaluation;
  readonly ndcg: Evaluation;
  /** Users measured: fewer than all where the time would not have been enough. */
  readonly users: number;
}

interface Tools {
  readonly found: SearchResult;
  readonly test: Cases;
  readonly context: SearchContext;
  readonly listing: Listing;
  readonly seconds: () => number;
  readonly until: number;
}

/** Users that any figure is told of. */
const LEAST_USERS = 400;

/**
 * What `plan` names, in its order, while there is time: what was chosen in any case, of the others what by its cost while
 * choosing will end. The parts of a blend are fitted once.
 */
async function measureAll(plan: readonly Measuring[], tools: Tools): Promise<Measured[]> {
  const { test, seconds, until, found } = tools;
  const isChosen = ({ names }: Measuring) => names.includes('');
  const parts = partsOf(plan.find((one) => isChosen(one))!.setting).map((part) => settingKey(only(part)));
  const keptModels = new Map<string, Model>();
  const fit = async (setting: Setting, signal?: AbortSignal): Promise<Model> => {
    const key = settingKey(setting);
    const context = signal ? { ...tools.context, signal } : tools.context;
    const model = keptModels.get(key) ?? (await fitSetting(setting, test.before, context));
    if (parts.includes(key)) keptModels.set(key, model);
    return model;
  };
  const blended = async (blend: BlendOptions['parts']) => {
    const models: { model: Model; weight: number }[] = [];
    for (const part of blend) models.push({ model: await fit(only(part)), weight: part.weight });
    return blendModel(models, { parts: blend }, test.before.items);
  };
  const measured: Measured[] = [];
  for (const [n, one] of plan.entries()) {
    const { setting, names } = one;
    const sure = isChosen(one) || setting.algorithm === 'popularity';
    const left = until - seconds();
    const expected = keptModels.has(settingKey(setting)) ? 0 : (found.expected(setting, LEAST_USERS) ?? 0);
    if (!sure && (left < 0.03 * until || expected > left)) {
      console.log(
        `  not measured, ${left.toFixed(0)} s are left and ${expected.toFixed(0)} s expected: ${settingKey(setting)}`,
      );
      continue;
    }
    const blend = partsOf(setting);
    // What is only told beside what was chosen must not run over the time.
    const deadline = sure ? undefined : AbortSignal.timeout(Math.ceil(1000 * left));
    const model = await (blend.length > 0 ? blended(blend) : fit(setting, deadline)).catch(
      (error: unknown) => {
        if (deadline?.aborted && error === deadline.reason) return null;
        throw error;
      },
    );
    if (model === null) {
      console.log(`  not measured, its fit ran out of time: ${settingKey(setting)}`);
      continue;
    }
    // What was chosen may take most of what is left after its fit; of the others each its share, the better ones more.
    const room = Math.max(0, until - seconds());
    const share = sure ? 0.6 : Math.min(0.6, Math.max(0.3, 1 / (plan.length - n)));
    const result = { setting, names, ...(await measureModel(setting, model, share * room, tools)) };
    measured.push(result);
    console.log(
      `  ${seconds().toFixed(0).padStart(4)} s  ${names.map((name) => name || 'chosen').join(', ')}: recall20 ${result.recall.figure.toFixed(4)}  ndcg20 ${result.ndcg.figure.toFixed(4)}  of ${result.users} users`,
    );
  }
  return measured;
}

const only = ({ algorithm, options }: Setting): Setting => ({ algorithm, options });

async function measureModel(
  setting: Setting,
  model: Model,
  allowed: number,
  { test, context, listing, seconds }: Tools,
): Promise<Omit<Measured, keyof Measuring>> {
  const { seed } = context.config;
  const trial = sampleCases(test, LEAST_USERS, seed);
  const began = seconds();
  await listing(setting, model, trial, 'discover', 20);
  const each = (seconds() - began) / trial.customers.length;
  const users = sampleCases(test, Math.max(LEAST_USERS, Math.floor(allowed / each)), seed);
  const listOf = await listing(setting, model, users, 'discover', 20);
  const by = (what: 'recall' | 'ndcg') =>
    evaluateLists(listOf, users, 'discover', { k: [], catalogue: test.before.items, goal: { what, k: 20 } });
  return { recall: await by('recall'), ndcg: await by('ndcg'), users: users.customers.length };
}

function report(measured: readonly Measured[], chosen: Winner, options: UsersOptions, took: number): void {
  const reference = measured.find(({ setting }) => setting.algorithm === 'popularity');
  const results: Result[] = [];
  const add = (prefix: string, { recall, ndcg, users }: Measured) => {
    results.push(
      figureResult(
        `${prefix}recall20`,
        bootstrapMean(recall.figures, options.seed),
        reference?.recall.figure ?? null,
        users,
      ),
      figureResult(
        `${prefix}ndcg20`,
        bootstrapMean(ndcg.figures, options.seed),
        reference?.ndcg.figure ?? null,
        users,
      ),
    );
  };
  for (const one of measured) if (one.names.includes('')) add('', one);
  for (const one of measured) for (const name of one.names) if (name !== '') add(`${name}-`, one);
  results.push(makeResult('total-seconds', 's', measured.length, took));
  results.push(makeResult('cpu-seconds', 's', measured.length, cpuSeconds()));
  console.log(`\n${'chosen: ' + settingKey(only(chosen))}\n`);
  for (const { name, value, unit, low, high, ratio, n } of results)
    console.log(
      `${name.padEnd(28)}${value.toFixed(unit === 's' ? 1 : 4).padStart(9)} ${unit === 's' ? 's' : `(${low?.toFixed(4)} … ${high?.toFixed(4)})  × popularity ${ratio?.toFixed(2)}  ${n} users`}`,
    );
  console.log(`peak ${peakRssMiB()} MiB`);
  writeReport('quality', options.report, results, {
    chosen: only(chosen),
    settings: measured.map(({ names, setting }) => ({ names, ...setting })),
  });
}
