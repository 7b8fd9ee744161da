import type { Ranked } from '../../../functions/recommender/rank.ts';
import { mergeNextOrder } from '../../../functions/recommender/next-order.ts';

const list = (...scores: [item: number, score: number][]): Ranked[] =>
  scores.map(([item, score]) => ({ item, score, from: score > 0 ? 'model' : 'popularity' }));
const again = list([1, 10], [2, 5], [3, 1]);
const fresh = list([7, 0.4], [8, 0.1], [9, 0]);
const merged = (share: number, k = 6) => mergeNextOrder(again, fresh, share, k).map(({ item }) => item);

describe('one list of re-orders and discoveries', () => {
  it('has all re-orders first at 0', () => {
    expect(merged(0)).toEqual([1, 2, 3, 7, 8, 9]);
  });

  it('lets discoveries in by their share of the best on each side', () => {
    // Re-orders: 1, 0.5, 0.1; discoveries at 0.6: 0.6, 0.15, 0.
    expect(merged(0.6)).toEqual([1, 7, 2, 8, 3, 9]);
    expect(merged(0.6, 3)).toEqual([1, 7, 2]);
  });

  it('takes the other side where one is empty', () => {
    expect(mergeNextOrder([], fresh, 0.5, 2).map(({ item }) => item)).toEqual([7, 8]);
    expect(mergeNextOrder(again, [], 0.5, 2).map(({ item }) => item)).toEqual([1, 2]);
  });
});
