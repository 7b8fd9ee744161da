import { ease } from '../../../../functions/recommender/algorithms/ease.ts';
import { graphFilter } from '../../../../functions/recommender/algorithms/graph-filter.ts';
import { ials } from '../../../../functions/recommender/algorithms/ials.ts';
import { itemNeighbours } from '../../../../functions/recommender/algorithms/item-neighbours.ts';
import { personalFrequency } from '../../../../functions/recommender/algorithms/personal-frequency.ts';
import { popularity } from '../../../../functions/recommender/algorithms/popularity.ts';
import { purchaseRhythm, rhythmScore } from '../../../../functions/recommender/algorithms/purchase-rhythm.ts';
import type { Model } from '../../../../functions/recommender/algorithm.ts';
import { buildHistory, profileOf, type History } from '../../../../functions/recommender/data.ts';
import { requireItemItem } from '../../../../functions/recommender/item-item.ts';
import { inThread } from '../../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';
import { algorithmNamed } from '../../../../functions/recommender/registry.ts';
import { makeShelf, rank } from '../../../../functions/recommender/rank.ts';
import { checkerboard, toInteractions, wholesaler, type Line } from '#tests/purchases';

const context = () => ({ random: seededRandom(1), pool: inThread });
const historyOf = (lines: Line[], customers: number, items: number): History =>
  buildHistory(toInteractions(lines), { customers, items }).history;
const scoresOf = (model: Model, history: History, customer: number): number[] => {
  const scores = new Float32Array(history.items);
  model.score(profileOf(history, customer), scores);
  return [...scores];
};

describe('the checkerboard', () => {
  const history = historyOf(checkerboard(20), 20, 20);
  const fits: [string, () => Promise<Model>][] = [
    ['item neighbours', () => itemNeighbours.fit(history, itemNeighbours.options.parse({}), context())],
    ['a graph filter', () => graphFilter.fit(history, graphFilter.options.parse({ rank: 8 }), context())],
    ['EASE', () => ease.fit(history, ease.options.parse({ regularization: 1 }), context())],
    ['implicit ALS', () => ials.fit(history, ials.options.parse({ factors: 6, epochs: 12 }), context())],
  ];

  it.each(fits)('%s puts the withheld item first for everybody', async (_, fit) => {
    const model = await fit();
    const shelf = makeShelf(history, 1);
    for (let customer = 0; customer < 20; customer++)
      expect(rank(model, profileOf(history, customer), shelf, { slot: 'discover', k: 1 })[0]?.item).toBe(
        customer,
      );
  });
});

it('an item that nobody bought is like none, and nothing is like it', async () => {
  const history = historyOf(checkerboard(8), 8, 10);
  for (const algorithm of [ials, itemNeighbours, graphFilter, ease]) {
    const options = algorithm.options.parse(algorithm === ials ? { factors: 6, epochs: 4 } : {});
    const model = await algorithm.fit(history, options as never, context());
    const scores = new Float32Array(10);
    model.similar!(9, scores);
    expect([...scores]).toEqual(Array.from({ length: 10 }, () => 0));
    model.similar!(2, scores);
    expect([scores[8], scores[9]]).toEqual([0, 0]);
  }
});

it('EASE refuses more items than its matrix has room for, before it makes one', async () => {
  const items = 20_001;
  const history = historyOf(
    Array.from({ length: items }, (_, item): Line => [0, item, 1]),
    1,
    items,
  );
  await expect(ease.fit(history, ease.options.parse({}), context())).rejects.toMatchObject({
    code: 'too-many-items',
    message: expect.stringContaining('20001'),
    remedy: expect.stringContaining('20000'),
  });
});

it('an algorithm that is not there is named, with those that are', () => {
  expect(() => algorithmNamed('apriori')).toThrow(
    expect.objectContaining({ code: 'unknown-algorithm', remedy: expect.stringContaining('ease') }),
  );
});

it('EASE equals its closed form, worked out by hand for two items', async () => {
  // XᵀX + λI = [[3, 2], [2, 3]] with λ = 1, so P = [[3, -2], [-2, 3]] / 5 and B₀₁ = -P₀₁ / P₁₁ = 2/3.
  const history = historyOf([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], 2, 2); // prettier-ignore
  const model = await ease.fit(history, ease.options.parse({ regularization: 1 }), context());
  const { matrix } = requireItemItem(model);
  expect([...matrix.index]).toEqual([1, 0]);
  expect(matrix.weight[0]).toBeCloseTo(2 / 3, 5);
  expect(matrix.weight[1]).toBeCloseTo(2 / 3, 5);
});

it('item neighbours by BM25 hear of frequent purchases more, and of customers of many items less', async () => {
  // Customer 0 bought items 0 and 1, item 0 three times; customer 1 bought 0, 1, 2 once; customer 2 items 1 and 2.
  const history = historyOf([[0, 0, 1], [0, 0, 2], [0, 0, 3], [0, 1, 1], [1, 0, 1], [1, 1, 1], [1, 2, 1], [2, 1, 1], [2, 2, 1]], 3, 3); // prettier-ignore
  const of = async (options: object) => {
    const fitted = await itemNeighbours.fit(history, itemNeighbours.options.parse(options), context());
    const { matrix } = requireItemItem(fitted);
    return [...matrix.weight.subarray(matrix.indptr[0], matrix.indptr[1])];
  };
  // Worked out by hand: units bought 4, 3, 2 (mean 3), so lengths 1.2667, 1, 0.7333; K1 = 100; idf ln(4/2), ln(4/3).
  const weight = (count: number, length: number) => (count * 101) / (100 * length + count);
  const [two, three] = [Math.log(2) ** 2, Math.log(4 / 3) ** 2];
  const [toOne, toTwo] = await of({ similarity: 'bm25' });
  const long = 0.2 + (0.8 * 4) / 3;
  expect(toOne).toBeCloseTo(weight(3, long) * weight(1, 1) * two + weight(1, long) * weight(1, 1) * three, 4);
  expect(toTwo).toBeCloseTo(weight(1, long) * weight(1, 0.2 + (0.8 * 2) / 3) * three, 4);
  // The cosine, whatever the exponents say.
  expect(await of({ similarity: 'cosine', customerExponent: 1, itemExponent: 0 })).toEqual(await of({}));
});

it('item neighbours are cosines', async () => {
  const history = historyOf([[0, 0, 1], [0, 1, 1], [1, 0, 1], [2, 0, 1], [2, 2, 1]], 3, 3); // prettier-ignore
  const { matrix } = requireItemItem(
    await itemNeighbours.fit(history, itemNeighbours.options.parse({}), context()),
  );
  const row = [...matrix.index.subarray(0, matrix.indptr[1])];
  expect(row).toEqual([1, 2]);
  expect(matrix.weight[0]).toBeCloseTo(1 / Math.sqrt(3), 6);
});

it('of a customer with very many items the newest bought say something, not those with the highest ids', async () => {
  // 3001 items, the higher the id the longer ago; a second customer bought the oldest and the newest too.
  const many = Array.from({ length: 3001 }, (_, item): Line => [0, item, 3001 - item]);
  const history = historyOf([...many, [1, 3000, 1], [1, 0, 1]], 2, 3001);
  const { matrix } = requireItemItem(
    await itemNeighbours.fit(history, itemNeighbours.options.parse({ neighbours: 5 }), context()),
  );
  const row = (item: number) => [...matrix.index.subarray(matrix.indptr[item], matrix.indptr[item + 1])];
  expect(row(3000)).toEqual([0]);
  expect(row(1)).toContain(2999);
});

it('keeps the strongest neighbours only', async () => {
  const { interactions } = wholesaler();
  const { history } = buildHistory(interactions, { customers: 120, items: 60 });
  const fit = async (neighbours: number) =>
    requireItemItem(
      await itemNeighbours.fit(history, itemNeighbours.options.parse({ neighbours }), context()),
    ).matrix;
  const [all, few] = [await fit(60), await fit(5)];
  for (let item = 0; item < 60; item++) {
    const weights = [...all.weight.subarray(all.indptr[item], all.indptr[item + 1])].sort((a, b) => b - a);
    const kept = [...few.weight.subarray(few.indptr[item], few.indptr[item + 1])].sort((a, b) => b - a);
    expect(kept.length).toBeGreaterThanOrEqual(Math.min(5, weights.length));
    expect(kept).toEqual(weights.slice(0, kept.length));
  }
});

it('popularity counts customers, not purchases; with a half-life the recent ones', async () => {
  const history = historyOf([[0, 0, 1], [0, 0, 2], [0, 0, 3], [1, 1, 4], [2, 1, 4], [3, 2, 100]], 4, 3); // prettier-ignore
  const plain = await popularity.fit(history, { halfLifeDays: null }, context());
  expect(scoresOf(plain, history, 0)).toEqual([1, 2, 1]);
  const recent = await popularity.fit(history, { halfLifeDays: 10 }, context());
  const [, old, fresh] = scoresOf(recent, history, 0);
  expect(fresh).toBe(1);
  expect(old).toBeLessThan(0.01);
});

it('personal frequency goes by count, then popularity, and never lists what was not bought', async () => {
  const history = historyOf([[0, 0, 1], [0, 1, 1], [0, 1, 2], [0, 2, 1], [1, 2, 1], [1, 3, 1]], 2, 4); // prettier-ignore
  const model = await personalFrequency.fit(history, { halfLifeDays: null }, context());
  const list = rank(model, profileOf(history, 0), makeShelf(history, 1), { slot: 'reorder', k: 10 });
  expect(list.map(({ item }) => item)).toEqual([1, 2, 0]);
});

describe('purchase rhythm', () => {
  const options = purchaseRhythm.options.parse({ due: 1 });

  it('prefers who buys more often', () => {
    expect(rhythmScore(10, 290, 300, options)).toBeGreaterThan(rhythmScore(3, 290, 300, options));
  });

  it('takes a long silence for the end of a habit, sooner for frequent buyers', () => {
    const fade = (repeats: number) =>
      rhythmScore(repeats, 100, 400, options) / rhythmScore(repeats, 390, 400, options);
    expect(fade(4)).toBeLessThan(1);
    expect(fade(20)).toBeLessThan(fade(4));
  });

  it('raises what is due over what was just bought', () => {
    // Every 20 days; last bought 20 days ago against yesterday.
    expect(rhythmScore(10, 200, 220, options)).toBeGreaterThan(rhythmScore(10, 200, 201, options));
  });

  it('raises what many others are buying just now, where asked to', async () => {
    // The first customer bought both items alike; the second item is everybody's this week.
    const others = [1, 2, 3, 4].map((customer): Line => [customer, 1, 100]);
    const history = historyOf([[0, 0, 1], [0, 1, 1], ...others, [0, 2, 100]], 5, 3); // prettier-ignore
    const ratio = async (trend: number) => {
      const model = await purchaseRhythm.fit(history, purchaseRhythm.options.parse({ trend }), context());
      const [quiet, busy] = scoresOf(model, history, 0);
      return busy! / quiet!;
    };
    expect(await ratio(0)).toBeCloseTo(1, 2);
    // Recent buyers: 4 and what is left of one 99 days ago, half for every 30 days.
    const faded = 2 ** (-99 / 30);
    expect(await ratio(0.5)).toBeCloseTo(Math.sqrt((5 + faded) / (1 + faded)), 2);
  });

  it('stays finite for a thousand purchases and ten years of silence', () => {
    const score = rhythmScore(1000, 30, 3650, options);
    expect(score).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(score)).toBe(true);
  });
});
