import { ALGORITHMS, type AlgorithmName } from '../../../functions/core/slot.ts';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import { profileOf, type History } from '../../../functions/recommender/data.ts';
import { openJournal } from '../../../functions/recommender/journal.ts';
import { withPool } from '../../../functions/recommender/kernels/pool.ts';
import { makeKeeper } from '../../../functions/recommender/model-keeper.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import { search, type SearchContext } from '../../../functions/recommender/search.ts';
import { settingKey, type Setting } from '../../../functions/recommender/trial-plan.ts';
import type { Winner } from '../../../functions/recommender/winner.ts';
import { historyOfRows, readUserLines } from '../user-lines.ts';
import { cpuSeconds, makeResult, peakRssMiB, writeReport, type Result } from '../report/results.ts';
import { casesOf, holdOut } from './hold-out.ts';
import { measureAll, type Measured } from './measuring.ts';
import { planMeasuring } from './measuring-plan.ts';
import { figureResult } from './report.ts';
import { evaluatorOf, withListThreads } from './threads.ts';

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
/** Of the budget, what is used at all: ends and starts of processes and a garbage collection need some too. */
const USED = 0.93;
/** Of the budget, at most, for what is only told beside what was chosen; but no more than these seconds. */
const BESIDE = { share: 0.2, seconds: 420 };

/**
 * The protocol of NGCF, LightGCN and their successors: all items ranked but the user's training items, Recall@20 and
 * NDCG@20, mean over all users with test items. Everything is chosen on a part of `train`; `test` is looked at once, by what
 * was chosen and by each algorithm's best setting, all fitted on the whole of `train`. It ends within its minutes.
 */
export async function measureUsers(options: UsersOptions): Promise<void> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const trained = await readUserLines(options.train);
  const tested = await readUserLines(options.test, trained);
  const size = { customers: trained.users.keys.length, items: trained.items.keys.length };
  const whole = historyOfRows(trained.rows, size);
  const test = casesOf(whole, tested.rows);
  const validation = holdOut(trained.rows, size, { users: VALIDATION_USERS, seed: options.seed });
  const budget = options.minutes * 60;
  const until = USED * budget;
  console.log(
    `${size.customers} users, ${size.items} items, ${whole.item.length} pairs to learn from; ${test.customers.length} users measured, ${validation.customers.length} to choose with; ${options.minutes} minutes, ${options.threads} threads, seed ${options.seed}`,
  );
  for (const note of notesOn(whole, tested.rows)) console.log(`  ${note}`);
  if (test.customers.length === 0)
    throw new Error(
      `${options.test}: no user has items there and in ${options.train}; nothing can be measured`,
    );
  if (validation.customers.length === 0)
    throw new Error(
      `${options.train}: no user has two items, one to learn from and one to choose with; nothing can be chosen`,
    );
  const withoutTimes = ALGORITHMS.filter((name) => registry[name].slots.includes('discover'));
  const config = TrainingConfig.parse({
    preset: 'thorough',
    algorithms: [...(options.algorithms ?? withoutTimes)],
    slots: ['discover'],
    trials: options.trials,
    seconds: Math.max(1, until - Math.min(BESIDE.share * budget, BESIDE.seconds) - seconds()),
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
        after: test.customers.length,
        spared: ['popularity'],
        evaluate: evaluatorOf(listing),
        onTrial: ({ algorithm, options: tried, curve }) => {
          const at = curve?.at(-1);
          console.log(
            `  ${seconds().toFixed(0).padStart(4)} s  rung ${at?.rung} of ${at?.customers} users  ${algorithm.padEnd(16)} ndcg20 ${at?.figure.toFixed(4)}  ${at?.seconds.toFixed(1)} s  ${JSON.stringify(tried)}`,
          );
        },
      };
      const found = await search(validation, context);
      const chosen = found.winners.discover;
      if (chosen === null)
        throw new Error('nothing could be tried within the time; give more --budget-minutes');
      console.log(`chosen after ${seconds().toFixed(0)} s: ${settingKey(only(chosen))}`);
      console.log(
        `  ${found.trials} settings tried, ${found.stopped} of them not to the end and ${found.cut} others not at all for want of time`,
      );
      for (const { reason, ...setting } of found.failed)
        console.log(`  left out, ${reason} ${settingKey(setting)}`);
      const best = Object.values(found.best.discover).toSorted((a, b) => b.figure - a.figure);
      const measured = await measureAll(planMeasuring(chosen, best, found.tried), {
        found,
        keeper: makeKeeper(whole, context),
        test,
        listing,
        seed: options.seed,
        seconds,
        until,
      });
      report(measured, chosen, options, seconds());
    }),
  );
}

const only = ({ algorithm, options }: Setting): Setting => ({ algorithm, options });

/** What a reader of the figures should know of the files. */
function notesOn(whole: History, tested: readonly Int32Array[]): string[] {
  let [strangers, unseen, again] = [0, 0, 0];
  for (const [c, items] of tested.entries()) {
    if (items.length === 0) continue;
    const bought = new Set(profileOf(whole, c).items);
    if (bought.size === 0) strangers++;
    for (const item of items) {
      if (whole.buyers[item] === 0) unseen++;
      if (bought.has(item)) again++;
    }
  }
  return [
    ...(strangers > 0
      ? [`${strangers} users of the test file have nothing to learn from: not measured`]
      : []),
    ...(unseen > 0
      ? [`${unseen} test items are of items that nobody has in training: they count, and cannot be found`]
      : []),
    ...(again > 0 ? [`${again} test items are training items of the same user: left out`] : []),
  ];
}

function report(measured: readonly Measured[], chosen: Winner, options: UsersOptions, took: number): void {
  const reference = measured.find(({ setting }) => setting.algorithm === 'popularity');
  const results: Result[] = [];
  const add = (prefix: string, { recall, ndcg, users }: Measured) => {
    results.push(
      figureResult(`${prefix}recall20`, recall, reference?.recall.mean ?? null, users),
      figureResult(`${prefix}ndcg20`, ndcg, reference?.ndcg.mean ?? null, users),
    );
  };
  for (const one of measured) if (one.names.includes('')) add('', one);
  for (const one of measured) for (const name of one.names) if (name !== '') add(`${name}-`, one);
  results.push(makeResult('total-seconds', 's', measured.length, took));
  results.push(makeResult('cpu-seconds', 's', measured.length, cpuSeconds()));
  console.log(`\n${'chosen: ' + settingKey(only(chosen))}\n`);
  for (const { name, value, unit, low, high, ratio, n } of results)
    console.log(
      `${name.padEnd(28)}${value.toFixed(unit === 's' ? 1 : 4).padStart(9)} ${unit === 's' ? 's' : `(${low?.toFixed(4)} … ${high?.toFixed(4)})  ${ratio === undefined || ratio === null ? '' : `× popularity ${ratio.toFixed(2)}  `}${n} users`}`,
    );
  console.log(`peak ${peakRssMiB()} MiB`);
  writeReport('quality', options.report, results, {
    chosen: only(chosen),
    settings: measured.map(({ names, setting }) => ({ names, ...setting })),
  });
}
