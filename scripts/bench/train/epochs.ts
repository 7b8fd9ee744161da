import { randomItems, trainAls, type AlsSettings } from '../../../functions/recommender/kernels/als.ts';
import type { Solver } from '../../../functions/recommender/kernels/als-rows.ts';
import type { Pairs, SharedSparse } from '../../../functions/recommender/kernels/pairs.ts';
import { inThread, withPool, type Pool } from '../../../functions/recommender/kernels/pool.ts';
import { addGram, makeScratch, solveRow } from '../../../functions/recommender/kernels/reference/ials.ts';
import { gaussian, seededRandom } from '../../../functions/recommender/random.ts';
import { makeResult, type Result } from '../report/results.ts';
import { bestOf, timed } from './timing.ts';

/** Work of the plain reference that is done, in multiply-adds; a larger epoch is sampled and scaled by its share of the work. */
const PLAIN_WORK = 6e9;

const settingsFor = (d: number, solver: Solver): AlsSettings => ({
  d,
  unobservedWeight: 0.01,
  regularization: 0.005,
  solver,
  epochs: 1,
});

/** Trained by one epoch, then timed over the second: the first solves for random factors. */
async function epoch(pairs: Pairs, d: number, solver: Solver, pool: Pool, rounds: number) {
  const settings = settingsFor(d, solver);
  const items = randomItems(pairs.byColumn.rows, d, d, seededRandom(1));
  const state = await trainAls(pairs, settings, { items }, { pool });
  return bestOf(rounds, () => trainAls(pairs, settings, state, { pool }));
}

/**
 * One epoch by the exact solver on one thread, against the plain reference on one thread. Both in seconds of the processor,
 * which on one thread are those of the clock where nothing else runs.
 */
export async function exactEpoch(pairs: Pairs, d: number): Promise<Result> {
  const rounds = d >= 256 ? 2 : 3;
  const ours = await epoch(pairs, d, { name: 'exact' }, inThread, rounds);
  const plain = await plainEpoch(pairs, d);
  const sampled = plain.share < 0.999 ? ` (from ${(plain.share * 100).toFixed(1)} % of its work)` : '';
  console.log(
    `  d = ${d}: ${ours.cpu.toFixed(2)} CPU s, ${ours.seconds.toFixed(2)} s by the clock; plain TypeScript ${plain.cpu.toFixed(1)} CPU s${sampled}: ${(plain.cpu / ours.cpu).toFixed(1)} times as fast`,
  );
  return makeResult(`ials-epoch-${d}-seconds`, 's', pairs.byRow.index.length, ours.cpu, plain.cpu);
}

const workOf = (n: number, d: number) => (n === 0 ? 0 : (n * d * d) / 2 + d ** 3 / 6);

/** CPU seconds the plain reference takes for an epoch: every k-th row of each side is solved, and the time scaled by work. */
async function plainEpoch({ byRow, byColumn }: Pairs, d: number) {
  const sides = [byRow, byColumn];
  const total = sides.reduce((sum, side) => sum + sideWork(side, d, 1), 0);
  const every = Math.max(1, Math.ceil(total / PLAIN_WORK));
  const done = sides.reduce((sum, side) => sum + sideWork(side, d, every), 0);
  let cpu = 0;
  for (const side of sides) cpu += (await timed(() => solvePlainly(side, d, every))).cpu;
  return { cpu: cpu * (total / done), share: done / total };
}

function sideWork({ rows, indptr }: SharedSparse, d: number, every: number): number {
  let work = 0;
  for (let row = 0; row < rows; row += every) work += workOf(indptr[row + 1]! - indptr[row]!, d);
  return work;
}

function solvePlainly({ rows, columns, indptr, index }: SharedSparse, d: number, every: number): void {
  const random = seededRandom(1);
  const factors = Float32Array.from({ length: columns * d }, () => 0.1 * gaussian(random));
  const gram = new Float64Array(d * d);
  // The Gram matrix of a share of the rows: the share of its time.
  addGram(factors, d, 0, Math.ceil(columns / every), gram, 0);
  const side = { d, factors, gram, regularization: 0.005, unobserved: 10 };
  const out = new Float32Array(d);
  const weight = new Float32Array(index.length).fill(1);
  const scratch = makeScratch(d);
  for (let row = 0; row < rows; row += every)
    solveRow(side, index, weight, indptr[row]!, indptr[row + 1]!, scratch, out, 0);
}

/** Epochs a second on two threads, against one; taking turns, so that a busy moment hits neither alone. */
export async function twoThreads(pairs: Pairs, d: number): Promise<Result> {
  const best = { one: Infinity, two: Infinity };
  await withPool(2, async (pool) => {
    for (let turn = 0; turn < 3; turn++) {
      const [one, two] = [
        await epoch(pairs, d, { name: 'exact' }, inThread, 1),
        await epoch(pairs, d, { name: 'exact' }, pool, 1),
      ];
      best.one = Math.min(best.one, one.seconds);
      best.two = Math.min(best.two, two.seconds);
    }
  });
  return makeResult(
    'ials-two-threads-rate',
    'epochs/s',
    pairs.byRow.index.length,
    1 / best.two,
    1 / best.one,
  );
}

/** An epoch by the two approximate solvers, against the exact one; two threads. */
export async function otherSolvers(pairs: Pairs, d: number): Promise<Result[]> {
  return withPool(2, async (pool) => {
    const exact = await epoch(pairs, d, { name: 'exact' }, pool, 2);
    const results: Result[] = [];
    for (const solver of [
      { name: 'cg', steps: 3 },
      { name: 'ials++', blockSize: 32 },
    ] as const) {
      const took = await epoch(pairs, d, solver, pool, 2);
      const name = `ials-${solver.name === 'cg' ? 'cg' : 'blocks'}-epoch-${d}-seconds`;
      results.push(makeResult(name, 's', pairs.byRow.index.length, took.seconds, exact.seconds));
    }
    return results;
  });
}
