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
import { fitSetting, search, type SearchContext } from '../../../functions/recommender/search.ts';
import { sampleCases, type Cases } from '../../../functions/recommender/split.ts';
import { settingKey, type Setting } from '../../../functions/recommender/trial-plan.ts';
import type { Winner } from '../../../functions/recommender/winner.ts';
import { historyOfRows, readUserLines } from '../user-lines.ts';
import { cpuSeconds, figureResult, peakRssMiB, secondsResult, writeReport, type Result } from './report.ts';
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
      const measured = await measureAll(chosen, best, {
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

interface Measured {
  readonly setting: Setting;
  readonly recall: Evaluation;
  readonly ndcg: Evaluation;
  /** Users measured: fewer than all where the time would not have been enough. */
  readonly users: number;
}

interface Measuring {
  readonly test: Cases;
  readonly context: SearchContext;
  readonly listing: Listing;
  readonly seconds: () => number;
  readonly until: number;
}

/** What was chosen first, then each algorithm's best while there is time; a blend's parts are fitted once. */
async function measureAll(chosen: Winner, best: readonly Winner[], tools: Measuring): Promise<Measured[]> {
  const { test, context, seconds, until } = tools;
  const parts = chosen.algorithm === 'blend' ? (chosen.options as BlendOptions).parts : [];
  const keptModels = new Map<string, Model>();
  const fit = async (setting: Setting) => {
    const key = settingKey(setting);
    const model = keptModels.get(key) ?? (await fitSetting(setting, test.before, context));
    if (parts.some((part) => settingKey(part) === key)) keptModels.set(key, model);
    return model;
  };
  const blended = async () => {
    const models: { model: Model; weight: number }[] = [];
    for (const part of parts) models.push({ model: await fit(only(part)), weight: part.weight });
    return blendModel(models, { parts }, test.before.items);
  };
  const measured: Measured[] = [];
  const others = best.filter((one) => settingKey(one) !== settingKey(chosen));
  // Popularity costs nothing and is what the others are held against; parts come before what has to be fitted anew.
  const isPart = (one: Setting) => parts.some((part) => settingKey(only(part)) === settingKey(one));
  const order = [
    ...others.filter(({ algorithm }) => algorithm === 'popularity'),
    chosen,
    ...others.filter((one) => isPart(one)),
    ...others.filter((one) => one.algorithm !== 'popularity' && !isPart(one)),
  ];
  for (const [n, one] of order.entries()) {
    const left = until - seconds();
    if (n > 1 && left < 0.05 * until) {
      console.log(`not measured, the time is over: ${settingKey(only(one))}`);
      continue;
    }
    const model = one.algorithm === 'blend' && parts.length > 0 ? await blended() : await fit(only(one));
    // What was chosen may take most of what is left after its fit; what is only told beside it, a part of it.
    const room = Math.max(0, until - seconds());
    const result = await measureModel(only(one), model, n <= 1 ? 0.6 * room : 0.3 * room, tools);
    measured.push(result);
    console.log(
      `  ${seconds().toFixed(0).padStart(4)} s  ${one.algorithm.padEnd(16)} recall20 ${result.recall.figure.toFixed(4)}  ndcg20 ${result.ndcg.figure.toFixed(4)}  of ${result.users} users`,
    );
  }
  return measured;
}

const only = ({ algorithm, options }: Setting): Setting => ({ algorithm, options });

async function measureModel(
  setting: Setting,
  model: Model,
  allowed: number,
  { test, context, listing, seconds }: Measuring,
): Promise<Measured> {
  const { seed } = context.config;
  const trial = sampleCases(test, 400, seed);
  const began = seconds();
  await listing(setting, model, trial, 'discover', 20);
  const each = (seconds() - began) / trial.customers.length;
  const users = sampleCases(test, Math.max(400, Math.floor(allowed / each)), seed);
  const listOf = await listing(setting, model, users, 'discover', 20);
  const by = (what: 'recall' | 'ndcg') =>
    evaluateLists(listOf, users, 'discover', { k: [], catalogue: test.before.items, goal: { what, k: 20 } });
  return { setting, recall: await by('recall'), ndcg: await by('ndcg'), users: users.customers.length };
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
  for (const one of measured) if (settingKey(one.setting) === settingKey(only(chosen))) add('', one);
  for (const one of measured) add(`${one.setting.algorithm}-`, one);
  results.push(secondsResult('total-seconds', took, measured.length));
  results.push(secondsResult('cpu-seconds', cpuSeconds(), measured.length));
  console.log(`\n${'chosen: ' + settingKey(only(chosen))}\n`);
  for (const { name, value, unit, low, high, ratio, n } of results)
    console.log(
      `${name.padEnd(28)}${value.toFixed(unit === 's' ? 1 : 4).padStart(9)} ${unit === 's' ? 's' : `(${low?.toFixed(4)} … ${high?.toFixed(4)})  × popularity ${ratio?.toFixed(2)}  ${n} users`}`,
    );
  console.log(`peak ${peakRssMiB()} MiB`);
  writeReport(options.report, results, {
    chosen: only(chosen),
    settings: measured.map(({ setting }) => setting),
  });
}
