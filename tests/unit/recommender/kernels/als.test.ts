import {
  randomItems,
  trainAls,
  type AlsSettings,
  type AlsState,
} from '../../../../functions/recommender/kernels/als.ts';
import { longestFirst } from '../../../../functions/recommender/kernels/als-rows.ts';
import { foldIn } from '../../../../functions/recommender/kernels/fold-in.ts';
import { makePairs, type Pairs } from '../../../../functions/recommender/kernels/pairs.ts';
import { inThread, withPool, type Pool } from '../../../../functions/recommender/kernels/pool.ts';
import { rowLoss } from '../../../../functions/recommender/kernels/reference/ials.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';

const [rows, columns, d] = [700, 300, 24];

/** Customers who like one of three kinds of items, of different activity; one has nothing, one everything. */
function customers(weighted: boolean): Pairs {
  const random = seededRandom(5);
  const lists = Array.from({ length: rows }, (_, row) => {
    const share = row === 3 ? 0 : row === 4 ? 1 : 0.3 * random() ** 2;
    return Array.from({ length: columns }, (_, item) => item).filter((item) =>
      row === 4 ? true : item % 3 === row % 3 ? random() < share : random() < share / 20,
    );
  });
  const indptr = new Int32Array(rows + 1);
  lists.forEach((list, row) => (indptr[row + 1] = indptr[row]! + list.length));
  const index = Int32Array.from(lists.flat());
  const weight = Float32Array.from(index, () => (weighted ? random() : 1));
  return makePairs({ rows, columns, indptr, index, weight: weighted ? weight : null });
}

const settings: AlsSettings = {
  d,
  unobservedWeight: 0.1,
  regularization: 0.005,
  solver: { name: 'exact' },
  epochs: 3,
};
const start = () => ({ items: randomItems(columns, d, 20, seededRandom(2)) });
const train = (pairs: Pairs, changes: Partial<AlsSettings>, pool: Pool) =>
  trainAls(pairs, { ...settings, ...changes }, start(), { pool });

it.each([
  [{ name: 'exact' }, false],
  [{ name: 'exact' }, true],
  [{ name: 'cg', steps: 3 }, true],
  [{ name: 'ials++', blockSize: 8 }, true],
] as const)('%j gives the same on three threads as on one, to the bit', async (solver, weighted) => {
  const pairs = customers(weighted);
  const one = await train(pairs, { solver }, inThread);
  const three = await withPool(3, (pool) => train(pairs, { solver }, pool));
  expect(three.items).toEqual(one.items);
  expect(three.spectrum).toEqual(one.spectrum);
});

it('so many epochs and then more are all of them at once, to the bit', async () => {
  const pairs = customers(true);
  const once = await train(pairs, { epochs: 5 }, inThread);
  const first = await train(pairs, { epochs: 2 }, inThread);
  const then = await trainAls(pairs, settings, first, { pool: inThread });
  expect(then.items).toEqual(once.items);
});

/** The loss over all customers, each folded in exactly. */
function lossOf({ byRow: { indptr, index } }: Pairs, { items, spectrum }: AlsState): number {
  const gram = new Float64Array(d * d);
  for (let k = 0; k < d; k++) gram[k * d + k] = spectrum[k]!;
  const { regularization, unobservedWeight } = settings;
  const side = { d, factors: items, gram, spectrum, regularization, unobserved: unobservedWeight * columns };
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const entries = index.subarray(indptr[row], indptr[row + 1]);
    const weight = new Float32Array(entries.length).fill(1);
    loss += rowLoss(side, entries, weight, 0, entries.length, foldIn(side, entries, weight));
  }
  return loss;
}

it('the approximate solvers come to where the exact one is', async () => {
  const pairs = customers(false);
  const solvers = [{ name: 'exact' }, { name: 'cg', steps: 3 }, { name: 'ials++', blockSize: 8 }] as const;
  const losses: number[] = [];
  for (const solver of solvers)
    losses.push(lossOf(pairs, await train(pairs, { solver, epochs: 8 }, inThread)));
  const before = lossOf(pairs, await train(pairs, { epochs: 1 }, inThread));
  for (const loss of losses) {
    expect(loss / losses[0]!).toBeCloseTo(1, 2);
    expect(loss).toBeLessThan(0.9 * before);
  }
});

it('tells of each half epoch, and ends with the reason of an abort', async () => {
  const told: number[] = [];
  const stop = new AbortController();
  const onProgress = (epochs: number) => {
    told.push(epochs);
    if (epochs === 1.5) stop.abort(new Error('enough'));
  };
  const run = trainAls(customers(false), settings, start(), {
    pool: inThread,
    signal: stop.signal,
    onProgress,
  });
  await expect(run).rejects.toThrow('enough');
  expect(told).toEqual([0.5, 1, 1.5]);
});

it.each([
  [5, 6, 64, 0.03, 0.005],
  [5, 6, 64, 0.1, 0.01],
  [2, 40, 128, 0.03, 0.005],
])(
  '%i customers of %i items have far fewer directions than %i factors, and stay finite (α %f, λ %f)',
  async (few, items, factors, unobservedWeight, regularization) => {
    const indptr = Int32Array.from({ length: few + 1 }, (_, row) => row * Math.min(items, 6));
    const index = Int32Array.from({ length: indptr[few]! }, (_, n) => n % Math.min(items, 6));
    const pairs = makePairs({ rows: few, columns: items, indptr, index, weight: null });
    const begin = { items: randomItems(items, factors, factors, seededRandom(1)) };
    const changed = { ...settings, d: factors, unobservedWeight, regularization, epochs: 16 };
    const trained = await trainAls(pairs, changed, begin, { pool: inThread });
    expect(trained.items.every(Number.isFinite)).toBe(true);
    expect(trained.spectrum.every(Number.isFinite)).toBe(true);
  },
);

it('factors that are no numbers any more are an error that says so', async () => {
  const items = start().items.fill(NaN, 0, d);
  await expect(trainAls(customers(false), settings, { items }, { pool: inThread })).rejects.toMatchObject({
    code: 'factors-diverged',
  });
});

it('takes the rows with most work first, and each once', () => {
  const lengths = Int32Array.from({ length: 70 }, (_, row) =>
    row === 69 ? 500 : row < 16 ? 2 : 40 - row / 2,
  );
  const indptr = new Int32Array(71);
  lengths.forEach((length, row) => (indptr[row + 1] = indptr[row]! + length));
  // Batches of 16 rows: the long row lies in the last, the short ones in the first.
  expect([...longestFirst({ rows: 70, indptr }, 64)]).toEqual([4, 1, 2, 3, 0]);
});
