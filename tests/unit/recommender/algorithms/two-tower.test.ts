import { twoTower } from '../../../../functions/recommender/algorithms/two-tower.ts';
import type { FitContext, Model } from '../../../../functions/recommender/algorithm.ts';
import { makeArtifactWriter, openArtifact } from '../../../../functions/recommender/artifact.ts';
import {
  basketProfile,
  buildHistory,
  profileOf,
  type History,
} from '../../../../functions/recommender/data.ts';
import { inThread } from '../../../../functions/recommender/kernels/pool.ts';
import { makeShelf, rank } from '../../../../functions/recommender/rank.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';
import { makeExamples } from '../../../../functions/recommender/two-tower/examples.ts';
import { catalogue, checkerboard, toInteractions, wholesaler } from '#tests/purchases';

const small = { embedding: 16, hidden: 32, output: 16, batch: 64, epochs: 30, pace: 0.01 };
const fit = (history: History, options: object, context: Partial<FitContext> = {}) =>
  twoTower.fit(history, twoTower.options.parse({ ...small, ...options }), {
    random: seededRandom(1),
    pool: inThread,
    ...context,
  });
const scoresOf = (model: Model, history: History, customer: number) => {
  const scores = new Float32Array(history.items);
  model.score(profileOf(history, customer), scores);
  return scores;
};
const size = { customers: 120, items: 60 };
const wholesale = buildHistory(wholesaler(size).interactions, size).history;

it('puts items of the customer’s parity first on the checkerboard', async () => {
  const board = buildHistory(toInteractions(checkerboard(20)), { customers: 20, items: 20 }).history;
  const model = await fit(board, {});
  const shelf = makeShelf(board, 1);
  const first = (customer: number) =>
    rank(model, profileOf(board, customer), shelf, { slot: 'discover', k: 1 })[0]?.item;
  expect(Array.from({ length: 20 }, (_, c) => first(c))).toEqual(Array.from({ length: 20 }, (_, c) => c));
});

it('learns the groups of a wholesaler, whose items are alike', async () => {
  const model = await fit(wholesale, {});
  const similar = new Float32Array(60);
  let right = 0;
  // The first three items sell to everybody.
  for (let item = 4; item < 60; item++) {
    model.similar!(item, similar);
    expect(similar[item]).toBe(0);
    const best = similar.indexOf(Math.max(...similar));
    if (best % 4 === item % 4) right++;
  }
  expect(right).toBeGreaterThan(48);
});

it('a score is the product of the profile’s vector and the item’s', async () => {
  const model = await fit(wholesale, { epochs: 2, halfLifeDays: 60 });
  const vectors = model.vectors!;
  const { d, factors } = vectors;
  const vector = vectors.query(profileOf(wholesale, 7));
  const scores = scoresOf(model, wholesale, 7);
  for (const item of [0, 31, 59]) {
    let product = 0;
    for (let k = 0; k < d; k++) product += vector[k]! * factors[item * d + k]!;
    expect(scores[item]).toBeCloseTo(product, 5);
  }
  expect([...vectors.query(basketProfile([], wholesale))].every((x) => x === 0)).toBe(true);
});

it('without ONNX Runtime it is the same up to rounding', async () => {
  const [one, other] = [
    await fit(wholesale, { epochs: 1 }),
    await fit(wholesale, { epochs: 1 }, { onnx: null }),
  ];
  const [a, b] = [scoresOf(one, wholesale, 3), scoresOf(other, wholesale, 3)];
  expect(Math.max(...a.map((x, n) => Math.abs(x - b[n]!)))).toBeLessThan(1e-2);
});

it('items of one category learn from each other', async () => {
  const items = { ...catalogue('i', 60), categories: Array.from({ length: 60 }, (_, i) => `kind ${i % 4}`) };
  const [plain, told] = [
    await fit(wholesale, { epochs: 2 }),
    await fit(wholesale, { epochs: 2 }, { catalogue: items }),
  ];
  const share = (model: Model) => {
    const similar = new Float32Array(60);
    let [same, all] = [0, 0];
    for (let item = 4; item < 60; item++) {
      model.similar!(item, similar);
      similar.forEach((x, other) => {
        all += Math.abs(x);
        same += other % 4 === item % 4 ? x : -x / 3;
      });
    }
    return same / all;
  };
  expect(share(told)).toBeGreaterThan(share(plain));
});

it('an item that took no part in learning has no factors, and says nothing of who bought it', async () => {
  const interactions = wholesaler(size).interactions;
  const quantity = interactions.quantity.map((q, n) => (interactions.item[n] === 30 ? NaN : q));
  const { history } = buildHistory({ ...interactions, quantity }, size);
  const model = await fit(history, { epochs: 1 });
  expect(scoresOf(model, history, 2)[30]).toBe(0);
  const alone = new Float32Array(60);
  model.score(basketProfile([30], history), alone);
  expect([...alone].every((x) => x === 0)).toBe(true);
});

it('what is watched are the newest purchases, and they are not learned from', () => {
  const options = { most: 100, watched: 0.1, halfLifeDays: 30, words: 16 };
  const { learn, watch, weight } = makeExamples(wholesale, null, options, seededRandom(1));
  const newest = Math.max(...learn.map((p) => wholesale.first[p]!));
  expect(watch.length).toBeGreaterThan(0.08 * wholesale.item.length);
  expect(learn.length + watch.length).toBe(wholesale.item.length);
  expect([...watch].every((p) => wholesale.first[p]! >= newest)).toBe(true);
  expect(Math.max(...weight)).toBeGreaterThan(2 * Math.min(...weight));
});

it('training ends where the watched purchases are told no better any more, and what was best is kept', async () => {
  let epochs = 0;
  const options = { epochs: 60, pace: 0.03 };
  const stopped = await fit(wholesale, options, { onProgress: () => epochs++ });
  expect(epochs).toBeLessThan(30);
  const best = await fit(wholesale, { ...options, epochs: epochs - 3 });
  expect(scoresOf(stopped, wholesale, 5)).toEqual(scoresOf(best, wholesale, 5));
});

describe('with segments', () => {
  const segments = ['none', 'some', 'more', 'most'];
  const segment = Int32Array.from({ length: 120 }, (_, c) => (c === 0 ? -1 : c % 4));
  const told: History = { ...wholesale, segment, segments };
  const nobody = basketProfile([], wholesale);
  const first = (model: Model, history: History, of: number) =>
    rank(model, { ...nobody, segment: of }, makeShelf(history, 1), { slot: 'discover', k: 8 });

  it('a newcomer of a segment is offered what it buys, one of none what is popular', async () => {
    const model = await fit(told, { epochs: 10 });
    for (const group of [0, 1, 2, 3]) {
      const list = first(model, told, group);
      expect(list.filter(({ item }) => item % 4 === group).length).toBeGreaterThanOrEqual(6);
    }
    expect(first(model, told, -1).every(({ from }) => from === 'popularity')).toBe(true);
    expect(first(model, told, 4).every(({ from }) => from === 'popularity')).toBe(true);
    const writer = makeArtifactWriter();
    model.save(writer);
    const loaded = twoTower.load(openArtifact(writer.finish()), 60);
    expect(first(loaded, told, 2)).toEqual(first(model, told, 2));
  });

  it('is the same with and without them where features are left out', async () => {
    const options = { epochs: 2, features: false };
    const [one, other] = [await fit(told, options), await fit(wholesale, options)];
    expect(scoresOf(one, told, 3)).toEqual(scoresOf(other, wholesale, 3));
  });
});

it('is not loaded from arrays that do not fit together', async () => {
  const writer = makeArtifactWriter();
  (await fit(wholesale, { epochs: 1 })).save(writer);
  const reader = openArtifact(writer.finish());
  expect(() => twoTower.load(reader, 59)).toThrow(expect.objectContaining({ code: 'artifact-damaged' }));
});
