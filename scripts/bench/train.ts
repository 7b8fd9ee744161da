import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { ease } from '../../functions/recommender/algorithms/ease.ts';
import { buildHistory, learnable, toSparse, type History } from '../../functions/recommender/data.ts';
import { makePairs } from '../../functions/recommender/kernels/pairs.ts';
import { withPool } from '../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../functions/recommender/random.ts';
import { demoOrderLines } from './demo-lines.ts';
import { readOrderLines } from './order-lines.ts';
import { easeOnItems } from './train/ease.ts';
import { exactEpoch, otherSolvers, twoThreads } from './train/epochs.ts';
import { makeResult, writeReport, type Result } from './report/results.ts';
import { timed } from './train/timing.ts';
import { costOf, plotCosts, type Cost } from './train/scale.ts';
import { historyOfRows, readUserLines } from './user-lines.ts';

const HELP = `npm run bench -- train [--data FILE.csv[.gz] | --data demo | --train FILE] [--factors 64,128,256] [--report FILE]
npm run bench -- train --scale [--sizes 1e5,1e6,1e7,1e8] [--factors 64] [--plot FILE.svg] [--report FILE]

Times an epoch of implicit ALS on one thread against the plain TypeScript reference (Cholesky) in the same run, by seconds of
the processor; two threads against one and the approximate solvers against the exact one, by the clock. Best of two or three. Then EASE: a fit on the data, and one
on 10,000 synthetic items with ONNX Runtime against without.
--data     order lines in UCI Online Retail's columns; "demo" (the default): the demo wholesaler
--train    one line per user: its id, then its items' ids; .gz is unpacked
--factors  lengths of the factors, multiples of 8
--scale    what an epoch costs on synthetic data by the number of interactions, each size in a process of its own
--plot     draws that
--report   writes {bench, machine, results}; for …-rate and …-seconds, ratio is ours to the reference`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    data: { type: 'string', default: 'demo' },
    train: { type: 'string' },
    factors: { type: 'string' },
    scale: { type: 'boolean', default: false },
    sizes: { type: 'string', default: '1e5,1e6,1e7,1e8' },
    'one-size': { type: 'string' },
    plot: { type: 'string' },
    report: { type: 'string' },
  },
});
const threads = availableParallelism();
const numbers = (text: string) => text.split(',').map(Number);

/** Not measured here: what the reader may compare with. */
const OTHERS = `For comparison, the C++ library implicit 0.7.3 on gowalla, two threads of an AMD EPYC of 2024, seconds an epoch:
  d = 64: 0.75 by Cholesky, 0.17 by three steps of conjugate gradients; d = 128: 2.32, 0.28; d = 256: 8.71, 0.61`;

async function readHistory(): Promise<History> {
  if (values.train !== undefined) {
    const { rows, users, items } = await readUserLines(values.train);
    return historyOfRows(rows, { customers: users.keys.length, items: items.keys.length });
  }
  const data = values.data === 'demo' ? demoOrderLines() : await readOrderLines(values.data);
  const size = { customers: data.customers.keys.length, items: data.items.keys.length };
  return learnable(buildHistory(data.interactions, size).history, 1, 2);
}

async function speed(): Promise<Result[]> {
  const history = await readHistory();
  const pairs = makePairs({ ...toSparse(history, null), weight: null });
  const source = values.train ?? values.data;
  console.log(
    `${source}: ${pairs.byRow.index.length} customer × item pairs, ${history.customers} × ${history.items}; an epoch of implicit ALS on one thread`,
  );
  const results: Result[] = [];
  const lengths = numbers(values.factors ?? '64,128,256');
  for (const d of lengths) results.push(await exactEpoch(pairs, d));
  const d = lengths[Math.floor(lengths.length / 2)]!;
  results.push(await twoThreads(pairs, d), ...(await otherSolvers(pairs, d)));
  if (values.train === undefined) results.push(await easeFit(history), await easeOnItems(10_000, threads));
  console.log(OTHERS);
  return results;
}

async function easeFit(history: History): Promise<Result> {
  const took = await timed(() =>
    withPool(threads, (pool) => ease.fit(history, ease.options.parse({}), { random: seededRandom(1), pool })),
  );
  return makeResult('ease-fit-seconds', 's', history.items, took.seconds, null);
}

/** Each size by a process of its own: so its peak of memory is its own. */
function scale(): Result[] {
  const d = numbers(values.factors ?? '64')[0]!;
  console.log(`An epoch of implicit ALS, ${d} factors, ${threads} threads, synthetic data
interactions  customers    items   seconds     CPU s   peak MiB`);
  const costs = numbers(values.sizes).map((size) => {
    const options = ['--disable-warning=ExperimentalWarning', import.meta.filename];
    const told = execFileSync(
      process.execPath,
      [...options, '--one-size', String(size), '--factors', String(d)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    );
    // Written by this very file.
    const cost = JSON.parse(told) as Cost;
    const cells = [cost.customers, cost.items].map((value) => String(value).padStart(9)).join('');
    const times = [cost.seconds, cost.cpu].map((value) => value.toFixed(2).padStart(10)).join('');
    console.log(
      `${String(cost.interactions).padStart(12)}  ${cells}${times}${String(cost.peakRssMiB).padStart(11)}`,
    );
    return cost;
  });
  if (values.plot !== undefined) plotCosts(values.plot, costs, d);
  return costs.map(({ interactions, seconds, peakRssMiB }) =>
    makeResult(`ials-epoch-${d}-scale-seconds`, 's', interactions, seconds, null, peakRssMiB),
  );
}

async function main(): Promise<void> {
  if (values['one-size'] !== undefined) {
    const cost = await costOf(Number(values['one-size']), Number(values.factors), threads);
    console.log(JSON.stringify(cost));
    return;
  }
  const results = values.scale ? scale() : await speed();
  for (const { name, value, unit, reference, ratio, peakRssMiB } of results)
    console.log(
      `${name.padEnd(32)}${value.toFixed(3).padStart(9)} ${unit.padEnd(9)}${reference === null ? '' : `reference ${reference.toFixed(3)}, ratio ${(ratio ?? 0).toFixed(3)}, `}peak ${peakRssMiB} MiB`,
    );
  writeReport('train', values.report, results);
}

if (values.help === true) console.log(HELP);
else await main();
