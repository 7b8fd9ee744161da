import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { ease } from '../../functions/recommender/algorithms/ease.ts';
import {
  buildHistory,
  learnable,
  toSparse,
  transpose,
  type Sparse,
} from '../../functions/recommender/data.ts';
import { addGram, makeScratch, solveRow } from '../../functions/recommender/kernels/ials-kernel.ts';
import { makeTiledScratch, solveRowTiled } from '../../functions/recommender/kernels/ials-tile.ts';
import { sharedMemory, tileOver, tileReference } from '../../functions/recommender/kernels/tile-wasm.ts';
import { withPool } from '../../functions/recommender/kernels/pool.ts';
import { gaussian, seededRandom } from '../../functions/recommender/random.ts';
import { demoOrderLines } from './demo-lines.ts';
import { readOrderLines } from './order-lines.ts';

const HELP = `npm run bench -- train [--data FILE.csv[.gz] | --data demo] [--report FILE]

Times the kernels on one thread against their plain TypeScript references in the same run, alternating, best of three.
--data    order lines in UCI Online Retail's columns; "demo" (the default): the demo wholesaler
--report  writes {bench, machine, results}; for …-rate and …-seconds, ratio is the kernel to the reference`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    data: { type: 'string', default: 'demo' },
    report: { type: 'string' },
  },
});

interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly peakRssMiB: number;
  readonly n: number;
}

const seconds = (work: () => void): number => {
  const began = performance.now();
  work();
  return (performance.now() - began) / 1000;
};
const peakRssMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);

/** Best of three of both, taking turns, so that a busy moment hits neither alone. */
function compare(name: string, n: number, ours: () => void, reference: () => void): Result {
  const times = [0, 1, 2].map(() => [seconds(ours), seconds(reference)] as const);
  const value = Math.min(...times.map(([mine]) => mine));
  const plain = Math.min(...times.map(([, other]) => other));
  return { name, value, unit: 's', reference: plain, ratio: value / plain, peakRssMiB: peakRssMiB(), n };
}

function tileRate(): Result {
  const [panels, depth, rounds] = [40, 64, 400];
  const memory = sharedMemory(1 << 20);
  const floats = new Float32Array(memory.buffer);
  const at = [0, 4096, 65_536 * 4, panels * 32, panels, depth] as const;
  const repeat = (work: () => void) => () => {
    for (let n = 0; n < rounds; n++) work();
  };
  const { value, reference } = compare(
    '',
    rounds,
    repeat(() => tileOver(memory)(...at)),
    repeat(() => tileReference(floats)(...at)),
  );
  const gigaflop = (2 * 4 * 8 * panels * depth * rounds) / 1e9;
  const [rate, plain] = [gigaflop / value, gigaflop / (reference ?? 1)];
  return {
    name: 'tile-rate',
    value: rate,
    unit: 'GFLOP/s',
    reference: plain,
    ratio: rate / plain,
    peakRssMiB: peakRssMiB(),
    n: rounds,
  };
}

function alsEpoch(purchases: Sparse, d: number): Result {
  const byItem = transpose(purchases);
  const random = seededRandom(1);
  const factors = Float32Array.from(
    { length: Math.max(purchases.rows, purchases.columns) * d },
    () => 0.1 * gaussian(random),
  );
  const gram = new Float64Array(d * d);
  addGram(factors, d, 0, purchases.columns, gram, 0);
  const side = { d, factors, gram, regularization: 0.005, unobserved: 10 };
  const out = new Float32Array(factors.length);
  const [plain, tiled] = [makeScratch(d), makeTiledScratch(d)];
  const all = (solve: (matrix: Sparse, row: number) => void) => () => {
    for (const matrix of [purchases, byItem]) for (let row = 0; row < matrix.rows; row++) solve(matrix, row);
  };
  return compare(
    `ials-epoch-${d}-seconds`,
    purchases.index.length,
    all((m, row) =>
      solveRowTiled(side, m.index, m.weight, m.indptr[row]!, m.indptr[row + 1]!, tiled, out, row * d),
    ),
    all((m, row) =>
      solveRow(side, m.index, m.weight, m.indptr[row]!, m.indptr[row + 1]!, plain, out, row * d),
    ),
  );
}

async function main(): Promise<void> {
  const data = values.data === 'demo' ? demoOrderLines() : await readOrderLines(values.data);
  const size = { customers: data.customers.keys.length, items: data.items.keys.length };
  const history = learnable(buildHistory(data.interactions, size).history, 1, 2);
  const purchases = toSparse(history, null);
  console.log(
    `${values.data}: ${purchases.index.length} customer × item pairs, ${size.customers} × ${size.items}`,
  );
  const results = [tileRate(), alsEpoch(purchases, 32), alsEpoch(purchases, 64)];
  const began = performance.now();
  const threads = availableParallelism();
  await withPool(threads, (pool) =>
    ease.fit(history, ease.options.parse({}), { random: seededRandom(1), pool }),
  );
  const took = (performance.now() - began) / 1000;
  results.push({
    name: 'ease-fit-seconds',
    value: took,
    unit: 's',
    reference: null,
    ratio: null,
    peakRssMiB: peakRssMiB(),
    n: size.items,
  });
  for (const { name, value, unit, reference, ratio } of results)
    console.log(
      `${name.padEnd(24)}${value.toFixed(3).padStart(9)} ${unit.padEnd(8)}${reference === null ? '' : `plain ${reference.toFixed(3)}, ratio ${(ratio ?? 0).toFixed(2)}`}`,
    );
  if (values.report !== undefined) {
    const machine = `${cpus()[0]?.model ?? 'unknown'} × ${threads}, Node ${process.version}`;
    writeFileSync(values.report, `${JSON.stringify({ bench: 'train', machine, results }, null, 2)}\n`);
  }
}

if (values.help === true) console.log(HELP);
else await main();
