import { popularity } from '../../../functions/recommender/algorithms/popularity.ts';
import {
  evaluate,
  listerOf,
  measureList,
  overallLister,
  targetsFor,
} from '../../../functions/recommender/evaluate.ts';
import { inThread } from '../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../functions/recommender/random.ts';
import { makeShelf } from '../../../functions/recommender/rank.ts';
import { makeCases } from '../../../functions/recommender/split.ts';
import { DAY, START, toInteractions } from '#tests/purchases';

const log2 = Math.log2;

describe('one list', () => {
  it('is perfect when the targets come first', () => {
    expect(measureList([4, 2, 9], Int32Array.of(2, 4), 2)).toEqual({ recall: 1, ndcg: 1 });
  });

  it('counts hits by their place', () => {
    const { recall, ndcg } = measureList([7, 3, 8, 5], Int32Array.of(3, 5, 6), 4);
    expect(recall).toBeCloseTo(2 / 3);
    expect(ndcg).toBeCloseTo((1 / log2(3) + 1 / log2(5)) / (1 / log2(2) + 1 / log2(3) + 1 / log2(4)));
  });

  it('measures only the first k', () => {
    expect(measureList([1, 2, 3], Int32Array.of(3), 2)).toEqual({ recall: 0, ndcg: 0 });
  });
});

it('splits targets by whether they were bought before', () => {
  const targets = Int32Array.of(1, 2, 3);
  const bought = Int32Array.of(0, 2);
  expect([...targetsFor('reorder', targets, bought)]).toEqual([2]);
  expect([...targetsFor('discover', targets, bought)]).toEqual([1, 3]);
  expect([...targetsFor('overall', targets, bought)]).toEqual([1, 2, 3]);
});

it('fills the overall list with discoveries after the re-orders', () => {
  const lister = overallLister(
    () => [5, 6],
    (_, k) => [1, 2, 3].slice(0, k),
  );
  const empty = {
    items: new Int32Array(),
    count: new Float32Array(),
    first: new Float64Array(),
    last: new Float64Array(),
    quantity: new Float32Array(),
  };
  expect(lister(empty, 4)).toEqual([5, 6, 1, 2]);
});

/*
 * Popularity on a case small enough to work out by hand. Before the window:
 *   item 0: customers 0 1 2;  item 1: customers 0 1;  item 2: customer 3;  item 3: customer 3
 * so by popularity 0, 1, 2, 3. In the window customer 2 buys item 1 (first not-bought: place 1) and item 3 (not-bought
 * list 1 2 3: place 3), and item 0 again; customer 3 buys item 1 (list 0 1: place 2).
 */
it('gives the popularity baseline the figures worked out by hand', async () => {
  const lines = toInteractions([
    [0, 0, 1], [1, 0, 1], [2, 0, 1], [0, 1, 1], [1, 1, 1], [3, 2, 1], [3, 3, 1],
    [2, 1, 9], [2, 3, 9], [2, 0, 9], [3, 1, 9],
  ]); // prettier-ignore
  const cases = makeCases(lines, { customers: 4, items: 4 }, START + 5 * DAY, Infinity);
  const model = await popularity.fit(
    cases.before,
    { halfLifeDays: null },
    { random: seededRandom(1), pool: inThread },
  );
  const shelf = makeShelf(cases.before, 1);
  const options = { k: [1], catalogue: 4 };

  const discover = await evaluate(listerOf(model, shelf, 'discover'), cases, 'discover', options);
  const second = (1 + 1 / log2(4)) / (1 + 1 / log2(3));
  const third = 1 / log2(3);
  expect(discover.customers).toBe(2);
  expect(discover.metrics.ndcg10).toBeCloseTo((second + third) / 2, 12);
  expect(discover.metrics.recall10).toBe(1);
  expect(discover.metrics.coverage).toBe(1);
  // In first place: customer 2 has one of two targets, customer 3 none.
  expect(discover.metrics.at).toEqual([{ k: 1, recall: 0.25, ndcg: 0.5 }]);

  const reorder = await evaluate(listerOf(model, shelf, 'reorder'), cases, 'reorder', options);
  expect(reorder.customers).toBe(1);
  expect(reorder.metrics).toMatchObject({ ndcg10: 1, recall10: 1, coverage: 0.25 });
});
