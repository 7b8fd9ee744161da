import type { Model } from '../../../functions/recommender/algorithm.ts';
import { buildHistory } from '../../../functions/recommender/data.ts';
import {
  basketLister,
  derivedCases,
  measureDerived,
  similarLister,
} from '../../../functions/recommender/derived.ts';
import { makeShelf } from '../../../functions/recommender/rank.ts';
import { DAY, START, toInteractions, type Line } from '#tests/purchases';

const size = { customers: 4, items: 6 };
const from = START + 10 * DAY;
/** Customer 0 knew items 0 … 3 before; 4 was bought by nobody; customer 2 comes with the window. */
const lines: Line[] = [
  ...[0, 1, 2, 3].map((item): Line => [0, item, 1, 1, 1]),
  [0, 0, 11, 1, 2],
  [0, 1, 11, 1, 2],
  [0, 4, 11, 1, 2],
  [2, 2, 12, 1, 3],
  [2, 2, 14, 1, 4],
  [2, 3, 14, 1, 4],
  [3, 3, 13],
];
const interactions = toInteractions(lines);
const before = buildHistory(interactions, size, { until: from }).history;
const shelf = makeShelf(before, 1);

describe('the cases of derived questions', () => {
  const cases = derivedCases(interactions, before, from, 1);

  it('similar: an item, and what lay in its baskets, without what nobody knew before', () => {
    const by = new Map(cases.similar.map(({ given, targets }) => [given[0], [...targets]]));
    expect(by).toEqual(new Map([[0, [1]], [1, [0]], [2, [3]], [3, [2]]])); // prettier-ignore
  });

  it('basket: each basket of two known items or more without one of them', () => {
    const whole = cases.basket.map(({ given, targets }) => [...Int32Array.of(...given, ...targets).sort()]);
    expect(whole.toSorted((a, b) => a[0]! - b[0]!)).toEqual([[0, 1], [2, 3]]); // prettier-ignore
    expect(cases.basket.every(({ targets }) => targets.length === 1)).toBe(true);
  });

  it('cold-customer: a newcomer’s first basket and what it bought later; one basket says nothing of later', () => {
    expect(cases['cold-customer'].map(({ given, targets }) => [[...given], [...targets]])).toEqual([
      [[2], [3]],
    ]);
  });

  it('cold-item: a known customer, and what it bought that nobody had bought before', () => {
    expect(cases['cold-item'].map(({ given, targets }) => [given, [...targets]])).toEqual([[0, [4]]]);
  });
});

it('a measurement tells both figures and the lead, and nothing where there is no case', async () => {
  const pairs: Model = {
    score: (profile, scores) => {
      scores.fill(0);
      for (const item of profile.items) scores[item ^ 1] = 1;
    },
    similar: (item, scores) => {
      scores.fill(0);
      scores[item ^ 1] = 1;
    },
    save: () => undefined,
  };
  const third: Model = { score: (_, scores) => scores.fill(0).set([0, 0, 0, 1]), save: () => undefined };
  const { similar } = derivedCases(interactions, before, from, 1);
  const ours = { name: 'ease' as const, list: similarLister(pairs, before, shelf) };
  const theirs = { name: 'popularity' as const, list: basketLister(third, before, shelf) };
  const measured = await measureDerived(similar, ours, theirs, 1);
  expect(measured).toMatchObject({ cases: 4, algorithm: 'ease', model: { ndcg10: 1, recall10: 1 } });
  expect(measured!.baseline.ndcg10).toBeLessThan(1);
  expect(measured!.lead.mean).toBeCloseTo(1 - measured!.baseline.ndcg10, 5);
  expect(await measureDerived([], ours, theirs, 1)).toBeNull();
});
