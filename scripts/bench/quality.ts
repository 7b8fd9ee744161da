import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { TerminalError } from '../../functions/core/errors.ts';
import type { RankingMetrics } from '../../functions/core/metrics.ts';
import { TrainingConfig } from '../../functions/core/training-config.ts';
import { train } from '../../functions/recommender/train.ts';
import { algorithmNamed } from '../../functions/recommender/registry.ts';
import { demoOrderLines } from './demo-lines.ts';
import { readOrderLines } from './order-lines.ts';
import { measureLastBaskets } from './quality/last-basket.ts';
import { measureUsers } from './quality/users.ts';
import { cpuSeconds, makeResult, peakRssMiB, writeReport, type Result } from './report/results.ts';

const HELP = `npm run bench -- quality [--data FILE.csv[.gz] | --data demo] [--preset quick|balanced|thorough] [--config JSON]
                        [--threads N] [--trials] [--report FILE]
npm run bench -- quality --data FILE.csv[.gz] --protocol last-basket [--budget-minutes M] [--seed N] [--report FILE]
npm run bench -- quality --train FILE --test FILE [--seed N] [--budget-minutes M] [--algorithms a,b] [--threads N] [--report FILE]

Trains the portfolio and prints what it reaches beside the baselines on the newest tenth of the order lines, full ranking.
--data    order lines in UCI Online Retail's columns; "demo" (the default): the demo wholesaler
--config  training options as JSON, over the preset
--trials  prints every setting tried, on the validation window
--report  writes {bench, machine, results}; ratio is ours to the slot's baseline, higher is better

With --protocol last-basket each customer's last basket (of three or more) is held out, and everything chosen on the one
before it: R@10 over all items and over those never bought, with intervals by customer, beside every single algorithm.

With --train and --test (one line per user: its id, then the ids of its items; .gz allowed) there are no times: settings and
the portfolio are chosen on a seeded part of the training items, then what was chosen and each algorithm's best setting
are fitted on all of them and measured once on the test items of all users, all items ranked, training items masked.
--budget-minutes  for everything, and it ends within; 15 if not given
--algorithms      only these, by their names`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    data: { type: 'string', default: 'demo' },
    preset: { type: 'string', default: 'quick' },
    config: { type: 'string', default: '{}' },
    threads: { type: 'string', default: String(availableParallelism()) },
    trials: { type: 'boolean', default: false },
    report: { type: 'string' },
    train: { type: 'string' },
    test: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'budget-minutes': { type: 'string', default: '15' },
    algorithms: { type: 'string' },
    protocol: { type: 'string' },
  },
});

const figures = (metrics: RankingMetrics) =>
  [metrics.ndcg10, metrics.recall10, metrics.recall20, metrics.coverage]
    .map((x) => x.toFixed(4).padStart(9))
    .join('');

async function main(): Promise<void> {
  const data = values.data === 'demo' ? demoOrderLines() : await readOrderLines(values.data);
  // What JSON holds is unknown until the schema has looked at it, which is the next thing to happen.
  const options = JSON.parse(values.config) as object;
  const config = TrainingConfig.parse({ preset: values.preset, ...options });
  const { interactions, customers, items } = data;
  console.log(
    `${values.data}: ${interactions.item.length} lines, ${customers.keys.length} customers, ${items.keys.length} items; ${config.preset}, ${values.threads} threads`,
  );
  const cpuBefore = cpuSeconds();
  const output = await train({
    ...data,
    config,
    now: Date.now(),
    threads: Number(values.threads),
    onTrial: (t) => {
      if (values.trials)
        console.log(
          `  ${String(t.trial).padStart(3)} ${t.slot.padEnd(9)}${t.algorithm.padEnd(19)}${figures(t.metrics)}  ${t.seconds.toFixed(2)} s  ${JSON.stringify(t.options)}`,
        );
    },
  });
  const { report, card } = output;
  const cpu = cpuSeconds() - cpuBefore;
  const results: Result[] = [];
  console.log(`\n${' '.repeat(34)}  ndcg10 recall10 recall20 coverage`);
  const measured = [...Object.entries(report.slots), ['overall', report.overall] as const];
  for (const [slot, { model, baselines, customers: n, ...more }] of measured) {
    const chosen =
      slot in report.slots ? report.slots[slot as keyof typeof report.slots]?.algorithm : 'both slots';
    console.log(`${slot.padEnd(10)}${`model (${chosen})`.padEnd(24)}${figures(model)}   ${n} customers`);
    for (const [name, metrics] of Object.entries(baselines))
      console.log(
        `${' '.repeat(10)}${name.padEnd(24)}${figures(metrics)}   ${'baselineOptions' in more ? JSON.stringify(more.baselineOptions[name]) : ''}`,
      );
    const reference = baselines[slot === 'discover' ? 'popularity' : 'personal-frequency']?.ndcg10 ?? null;
    results.push(makeResult(`${slot}-ndcg10`, 'share', n, model.ndcg10, reference));
  }
  results.push(makeResult('train-seconds', 's', interactions.item.length, report.seconds));
  results.push(makeResult('train-cpu-seconds', 's', interactions.item.length, cpu));
  console.log(
    `\n${report.seconds.toFixed(1)} s for everything (${cpu.toFixed(1)} CPU s), ${report.trials} trials, ${report.trialsCut} cut, peak ${peakRssMiB()} MiB, artifact ${(output.artifact.byteLength / 1e6).toFixed(1)} MB`,
  );
  for (const reason of card.gate.reasons) console.log(`gate: ${reason}`);
  writeReport('quality', values.report, results);
}

/** A number of the command line within its range. */
function numberOf(name: 'seed' | 'threads' | 'budget-minutes', least: number): number {
  const value = Number(values[name]);
  const whole = name !== 'budget-minutes';
  if (!(value >= least && value < 2 ** 31) || (whole && !Number.isInteger(value)))
    throw new Error(`--${name} "${values[name]}" must be a ${whole ? 'whole ' : ''}number from ${least} on`);
  return value;
}

async function run(): Promise<void> {
  const { train: trainFile, test: testFile, protocol, report } = values;
  if ((trainFile === undefined) !== (testFile === undefined))
    throw new Error('--train and --test go together: name both files, or neither');
  const [seed, threads] = [numberOf('seed', 0), numberOf('threads', 1)];
  const minutes = numberOf('budget-minutes', 0.1);
  if (trainFile !== undefined && testFile !== undefined)
    await measureUsers({
      train: trainFile,
      test: testFile,
      seed,
      minutes,
      threads,
      report,
      ...(values.algorithms === undefined
        ? {}
        : { algorithms: values.algorithms.split(',').map((name) => algorithmNamed(name).name) }),
      trials: 40,
    });
  else if (protocol === 'last-basket')
    await measureLastBaskets({ data: values.data, seed, seconds: 40 * minutes, threads, report });
  else if (protocol !== undefined) throw new Error(`there is no protocol "${protocol}": last-basket`);
  else await main();
}

if (values.help === true) console.log(HELP);
else
  await run().catch((error: unknown) => {
    // What is wrong with a file or an option takes a sentence; all else its whole stack.
    const isOurs = error instanceof TerminalError || (error instanceof Error && error.constructor === Error);
    console.error(isOurs ? `bench quality: ${error.message}` : error);
    process.exitCode = 1;
  });
