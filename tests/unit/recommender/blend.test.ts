import { TrainingConfig } from '../../../functions/core/training-config.ts';
import { blendModel } from '../../../functions/recommender/algorithms/blend.ts';
import type { Model } from '../../../functions/recommender/algorithm.ts';
import { climb, gatherCases, learnWeights } from '../../../functions/recommender/blend-search.ts';
import { NDCG10 } from '../../../functions/recommender/evaluate.ts';
import { makeShelf } from '../../../functions/recommender/rank.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import { makeCases } from '../../../functions/recommender/split.ts';
import { train } from '../../../functions/recommender/train.ts';
import { START, DAY, toInteractions, wholesaler, type Line } from '#tests/purchases';

/** A model that scores every item by `of`, whoever asks. */
const constant = (...of: number[]): Model => ({
  score: (_, scores) => scores.set(of),
  contributions: (profile, item) => new Float32Array(profile.items.length).fill(of[item]! / 2),
  save: () => undefined,
});
const profile = {
  items: Int32Array.of(0, 1),
  count: Float32Array.of(1, 1),
  first: new Float64Array(2),
  last: new Float64Array(2),
  quantity: Float32Array.of(1, 1),
};

it('asks each part once for the spread of a profile, however many reasons are wanted', () => {
  let asked = 0;
  const counted: Model = {
    ...constant(1, 2, 4),
    score: (_, scores) => {
      asked++;
      scores.set([1, 2, 4]);
    },
  };
  const reasons = blendModel([{ model: counted, weight: 1 }], { parts: [] }, 3);
  const first = [...reasons.contributions!(profile, 2)];
  for (const item of [0, 1, 2]) reasons.contributions!(profile, item);
  expect(asked).toBe(1);
  expect([...reasons.contributions!({ ...profile }, 2)]).toEqual(first);
  expect(asked).toBe(2);
});

it('refuses options that a part does not take, and says which', () => {
  const part = { algorithm: 'ials', options: { factors: 64, gone: 1 }, weight: 1 };
  const { error } = registry.blend.options.safeParse({
    parts: [{ algorithm: 'popularity', weight: 1 }, part],
  });
  expect(error?.issues).toMatchObject([
    { path: ['parts', 1, 'options'], message: expect.stringContaining('gone') },
  ]);
});

describe('a blend', () => {
  const parts = [
    { model: constant(1, 0, -1), weight: 1 },
    { model: constant(0, 300, 0), weight: 0.5 },
    { model: constant(7, 7, 7), weight: 100 },
  ];
  const blend = blendModel(parts, { parts: [] }, 3);

  it('weighs parts by their spread, and does not hear one that says the same of all', () => {
    const scores = new Float32Array(3).fill(9);
    blend.score(profile, scores);
    const [a, b, c] = scores;
    // Spreads are √(2/3) and 100·√2.
    expect(a).toBeCloseTo(Math.sqrt(1.5), 5);
    expect(b).toBeCloseTo((0.5 * 300) / (100 * Math.sqrt(2)), 5);
    expect(c).toBeCloseTo(-Math.sqrt(1.5), 5);
  });

  it('has contributions that add up as its parts’ do', () => {
    const scores = new Float32Array(3);
    blend.score(profile, scores);
    const sum = blend.contributions!(profile, 1).reduce((all, part) => all + part, 0);
    expect(sum).toBeCloseTo(scores[1]!, 5);
  });
});

describe('the search for weights', () => {
  it('climbs one weight after the other to the top of a known hill', () => {
    const hill = ([a, b, c]: readonly number[]) => -((b! - 0.5) ** 2) - (c! - 0.2) ** 2 + 0 * a!;
    expect(climb(3, hill)).toEqual([1, 0.5, 0.2]);
  });

  it('takes no part that does not help, and three at most', () => {
    expect(climb(3, ([, b]) => -b!)).toEqual([1, 0, 0]);
    const all = climb(5, (weights) => weights.reduce((sum, weight) => sum + Math.min(weight, 1), 0));
    expect(all.filter((weight) => weight > 0)).toHaveLength(3);
  });

  it('mixes two models that each know half of what is bought', async () => {
    // Every customer had item 0 and then buys 1 and 2.
    const lines: Line[] = [];
    for (let customer = 0; customer < 8; customer++)
      lines.push([customer, 0, 0], [customer, 1, 9], [customer, 2, 9]);
    for (let item = 0; item < 30; item++) lines.push([9, item, 0]);
    const cases = makeCases(toInteractions(lines), { customers: 10, items: 30 }, START + 5 * DAY, Infinity);
    const knows = (item: number) =>
      constant(...Array.from({ length: 30 }, (_, n) => (n === item ? 5 : n < 3 ? 0 : 1)));
    const gathered = await gatherCases([knows(1), knows(2)], cases, 'discover', {
      shelf: makeShelf(cases.before, 1),
    });
    const [first, second] = learnWeights(gathered, { ...NDCG10, k: 2 });
    expect(first).toBe(1);
    expect(second).toBeGreaterThan(0);
  });
});

it('a blend is searched where it is chosen, told as a trial, and ships only beyond doubt', async () => {
  const config = TrainingConfig.parse({
    preset: 'quick',
    algorithms: ['item-neighbours', 'ease', 'blend'],
    slots: ['discover'],
    trials: 2,
  });
  const { report, artifact } = await train({ ...wholesaler(), config, now: 0 });
  const blends = report.tried!.filter(({ algorithm }) => algorithm === 'blend');
  const chosen = report.slots.discover!.algorithm;
  expect(artifact.length).toBeGreaterThan(0);
  expect(blends.length).toBeLessThanOrEqual(1);
  if (chosen === 'blend') expect(blends).toHaveLength(1);
});
