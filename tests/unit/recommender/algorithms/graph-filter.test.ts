import { graphFilter, sharpeningSeries } from '../../../../functions/recommender/algorithms/graph-filter.ts';
import { TrainingConfig } from '../../../../functions/core/training-config.ts';
import type { Model } from '../../../../functions/recommender/algorithm.ts';
import { makeArtifactWriter, openArtifact } from '../../../../functions/recommender/artifact.ts';
import { basketProfile, buildHistory, profileOf } from '../../../../functions/recommender/data.ts';
import type { GraphModel } from '../../../../functions/recommender/graph-model.ts';
import { inThread } from '../../../../functions/recommender/kernels/pool.ts';
import { symmetricEigen } from '../../../../functions/recommender/kernels/reference/eigen.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';
import { wholesaler } from '#tests/purchases';

const size = { customers: 120, items: 60 };
const { history } = buildHistory(wholesaler(size).interactions, size);
const fit = (options: Record<string, unknown>) =>
  graphFilter.fit(history, graphFilter.options.parse(options), { random: seededRandom(1), pool: inThread });
const scoresOf = (model: Model, customer: number) => {
  const scores = new Float32Array(size.items).fill(NaN);
  model.score(profileOf(history, customer), scores);
  return scores;
};
const worstOf = (one: ArrayLike<number>, other: ArrayLike<number>) =>
  Array.from(one).reduce((worst, value, n) => Math.max(worst, Math.abs(value - other[n]!)), 0);
const bspm = { rank: 24, lowPass: 0.3, sharpening: 2.5, neighbours: null };

type Matrix = number[][];
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const plus = (a: Matrix, b: Matrix, factor = 1): Matrix =>
  a.map((row, i) => row.map((value, j) => value + factor * b[i]![j]!));

/** The published formulas written out densely: what item j gains from a purchase of item i, at [j][i]. */
function denseFilter(
  rank: number,
  lowPass: number,
  series: readonly number[],
  { keepBlurred, byVectors = false }: { keepBlurred: boolean; byVectors?: boolean },
): Matrix {
  const edges = Array.from({ length: size.customers }, (_, c) => {
    const bought = new Set(profileOf(history, c).items);
    return Array.from({ length: size.items }, (__, i) => (bought.has(i) ? 1 : 0));
  });
  const ofCustomer = edges.map((row) => row.reduce<number>((sum, x) => sum + x, 0));
  const ofItem = edges[0]!.map((_, i) => edges.reduce((sum, row) => sum + row[i]!, 0));
  const scaled = edges.map((row, c) =>
    row.map((x, i) => (x === 0 ? 0 : x / Math.sqrt(ofCustomer[c]! * ofItem[i]!))),
  );
  const transposed = scaled[0]!.map((_, i) => scaled.map((row) => row[i]!));
  const p = times(transposed, scaled);
  const { vectors, values } = symmetricEigen(Float64Array.from(p.flat()), size.items);
  const low = p.map((_, j) =>
    p.map((__, i) => {
      let sum = 0;
      for (let t = 0; t < rank; t++) {
        const v = vectors.subarray((size.items - 1 - t) * size.items);
        sum += v[j]! * v[i]!;
      }
      return lowPass * sum * Math.sqrt(ofItem[j]! / ofItem[i]!);
    }),
  );
  const blurred = plus(p, low);
  let power = blurred;
  let sharpened = blurred.map((row) => row.map((x) => series[0]! * x));
  for (const coefficient of series.slice(1)) {
    power = times(p, power);
    sharpened = plus(sharpened, power, coefficient);
  }
  if (byVectors) {
    // Of the graph's own part what each eigenvector of the better half gains, beyond them all the same.
    const gain = (value: number) => series.reduceRight((sum, c) => sum * value + c, 0);
    const rest = gain(values[size.items - rank / 2]! / 2);
    let exact = p;
    let own = p.map((row) => row.map((x) => series[0]! * x));
    for (const coefficient of series.slice(1)) {
      exact = times(p, exact);
      own = plus(own, exact, coefficient);
    }
    const level = p.map((_, j) =>
      p.map((__, i) => {
        let sum = rest * p[j]![i]!;
        for (let t = 0; t < rank / 2; t++) {
          const v = vectors.subarray((size.items - 1 - t) * size.items);
          const value = values[size.items - 1 - t]!;
          sum += (gain(value) - rest) * value * v[j]! * v[i]!;
        }
        return sum;
      }),
    );
    return plus(plus(sharpened, own, -1), level);
  }
  return keepBlurred ? plus(sharpened, p) : sharpened;
}

describe('the filter equals its published formulas, written out densely', () => {
  it.each([
    ['linear', { lowPass: 0 }, { rank: 8, lowPass: 0, series: [1], keepBlurred: false }],
    ['GF-CF', { rank: 24 }, { rank: 24, lowPass: 0.3, series: [1], keepBlurred: false }],
    [
      'BSPM, one step of Runge and Kutta',
      bspm,
      { rank: 24, lowPass: 0.3, series: [1, -2.5, 3.125, -2.6041667, 1.6276042], keepBlurred: false },
    ],
    [
      'BSPM, sharpened by its vectors',
      { ...bspm, sharpenBy: 'vectors' },
      {
        rank: 24,
        lowPass: 0.3,
        series: [1, -2.5, 3.125, -2.6041667, 1.6276042],
        keepBlurred: false,
        byVectors: true,
      },
    ],
    [
      'BSPM, one step of Euler beside the blurred',
      { ...bspm, sharpening: 1.2, sharpeningOrder: 1, keepBlurred: true },
      { rank: 24, lowPass: 0.3, series: [1, -1.2], keepBlurred: true },
    ],
  ])('%s', async (_, options, { rank, lowPass, series, ...form }) => {
    const dense = denseFilter(rank, lowPass, series, form);
    const model = await fit({ ...options, neighbours: null });
    for (const customer of [0, 7, 119]) {
      const expected = dense.map((row) =>
        profileOf(history, customer).items.reduce((sum, i) => sum + row[i]!, 0),
      );
      // The last vectors of the low pass are as exact as the random projection.
      expect(worstOf(scoresOf(model, customer), expected)).toBeLessThan(lowPass === 0 ? 1e-5 : 5e-3);
    }
  });
});

it('as an item × item matrix it scores as over the graph, but for the items of the profile', async () => {
  const [graph, matrix] = [await fit(bspm), await fit({ ...bspm, neighbours: 60 })];
  for (const customer of [2, 50]) {
    const bought = new Set(profileOf(history, customer).items);
    const others = (scores: Float32Array) => [...scores].filter((_, item) => !bought.has(item));
    expect(worstOf(others(scoresOf(matrix, customer)), others(scoresOf(graph, customer)))).toBeLessThan(1e-4);
  }
});

it('keeps the largest entries of each item, exactly so many', async () => {
  const { matrix } = (await fit({ ...bspm, neighbours: 7 })) as Model & {
    matrix: { indptr: Int32Array; index: Int32Array };
  };
  expect([...matrix.indptr]).toEqual(Array.from({ length: 61 }, (_, i) => i * 7));
});

it('scores many profiles as it scores each, and what they hold adds up to the score', async () => {
  const model = (await fit({ ...bspm, halfLifeDays: 60 })) as GraphModel;
  const customers = Array.from({ length: 70 }, (_, c) => c);
  const block = new Float32Array(70 * 60);
  model.scoreMany(
    customers.map((c) => profileOf(history, c)),
    block,
  );
  for (const c of customers)
    expect(worstOf(block.subarray(c * 60, c * 60 + 60), scoresOf(model, c))).toBeLessThan(1e-4);
  for (const item of [0, 13, 59]) {
    const parts = model.contributions!(profileOf(history, 5), item);
    expect(parts.reduce((sum, x) => sum + x, 0)).toBeCloseTo(scoresOf(model, 5)[item]!, 4);
  }
});

it('what is similar to an item is what a basket of it alone gets', async () => {
  const model = await fit(bspm);
  const [basket, similar] = [new Float32Array(60), new Float32Array(60)];
  model.score(basketProfile([9], history), basket);
  model.similar!(9, similar);
  basket[9] = 0;
  expect(similar).toEqual(basket);
});

it('is saved as a graph and read back, another setting of the same vectors needs no new fit', async () => {
  const model = await fit(bspm);
  const writer = makeArtifactWriter();
  model.save(writer);
  const loaded = graphFilter.load(openArtifact(writer.finish()), size.items);
  expect(scoresOf(loaded, 3)).toEqual(scoresOf(model, 3));
  const [former, options] = [bspm, { ...bspm, halfLifeDays: 30 }].map((o) => graphFilter.options.parse(o));
  const context = () => ({ random: seededRandom(1), pool: inThread });
  const refit = (to: typeof options) => graphFilter.refit!(model, former!, to!, history, context());
  const again = await refit(options);
  expect(scoresOf(again!, 3)).toEqual(scoresOf(await fit(options!), 3));
  expect(scoresOf(again!, 3)).not.toEqual(scoresOf(model, 3));
  // Lower ranks and other filters are cut of the same vectors; more vectors are found anew.
  const other = { ...options!, rank: 16, sharpening: 1, sharpeningOrder: 1, neighbours: 20 };
  expect(scoresOf((await refit(other))!, 3)).toEqual(scoresOf(await fit(other), 3));
  expect(await refit({ ...options!, rank: 300 })).toBeNull();
});

it('a graph whose arrays do not fit together is not loaded', async () => {
  const writer = makeArtifactWriter();
  (await fit(bspm)).save(writer);
  const reader = openArtifact(writer.finish());
  expect(() => graphFilter.load(reader, 59)).toThrow(expect.objectContaining({ code: 'artifact-damaged' }));
});

it('sharpening is the beginning of an exponential series', () => {
  expect(sharpeningSeries(0, 4)).toEqual([1]);
  expect(sharpeningSeries(1.2, 1)).toEqual([1, -1.2]);
  expect(sharpeningSeries(2, 3)).toEqual([1, -2, 2, -4 / 3]);
});

it('tries the matrix where items are few and the graph itself where they are many', () => {
  const trials = (preset: 'quick' | 'balanced', items: number) =>
    graphFilter.trials(TrainingConfig.parse({ preset }), { customers: 20_000, items });
  expect(trials('balanced', 4000).every(({ neighbours }) => Number(neighbours) > 0)).toBe(true);
  expect(trials('balanced', 40_000).every(({ neighbours }) => neighbours === null)).toBe(true);
  expect(trials('quick', 4000)[0]!.rank).toBe(128);
  expect(trials('balanced', 100)[0]!.rank).toBe(48);
});
