import type { Model } from '../../../functions/recommender/algorithm.ts';
import { basketProfile } from '../../../functions/recommender/data.ts';
import { selectTop } from '../../../functions/recommender/candidates.ts';
import { makeShelf, rank } from '../../../functions/recommender/rank.ts';

const fixed = (values: number[]): Model => ({
  score: (_, scores) => scores.set(values),
  save: () => undefined,
});
const history = { items: 6, buyers: Int32Array.of(5, 9, 1, 9, 0, 4), asOf: 0 };
const shelf = () => makeShelf(history, 2);
const items = (list: readonly { item: number }[]) => list.map(({ item }) => item);

describe('ranking', () => {
  const model = fixed([0.5, 0.9, 0.8, 0.9, 1, -1]);
  const bought = basketProfile([0, 1], history);

  it('lists for discovery what was not bought, best first', () => {
    // 2 has one buyer, 4 none: not discoverable. 5 scores below zero and comes by popularity.
    expect(rank(model, bought, shelf(), { slot: 'discover', k: 10 })).toEqual([
      { item: 3, score: Math.fround(0.9), from: 'model' },
      { item: 5, score: 0, from: 'popularity' },
    ]);
  });

  it('lists for re-ordering only what was bought', () => {
    expect(items(rank(model, bought, shelf(), { slot: 'reorder', k: 10 }))).toEqual([1, 0]);
  });

  it('may list what was bought where the caller wants that', () => {
    const list = rank(model, bought, shelf(), { slot: 'discover', k: 3, includeBought: true });
    expect(items(list)).toEqual([1, 3, 0]);
  });

  it('breaks ties by id, whatever k is', () => {
    const flat = fixed([1, 1, 1, 1, 1, 1]);
    for (const k of [1, 2, 3]) {
      const list = rank(flat, basketProfile([], history), shelf(), { slot: 'discover', k });
      expect(items(list)).toEqual([0, 1, 3].slice(0, k));
    }
  });

  it('answers a stranger with popular items and says so', () => {
    const list = rank(fixed([0, 0, 0, 0, 0, 0]), basketProfile([], history), shelf(), {
      slot: 'discover',
      k: 4,
    });
    expect(items(list)).toEqual([1, 3, 0, 5]);
    expect(list.every(({ from, score }) => from === 'popularity' && score === 0)).toBe(true);
  });

  it('honours filters, also when filling up', () => {
    const nobody = basketProfile([], history);
    expect(items(rank(model, nobody, shelf(), { slot: 'discover', k: 9, exclude: new Set([3, 5]) }))).toEqual(
      [1, 0],
    );
    expect(items(rank(model, nobody, shelf(), { slot: 'discover', k: 9, only: new Set([0, 5, 2]) }))).toEqual(
      [0, 5],
    );
  });

  it('leaves the shelf clean for the next customer', () => {
    const one = shelf();
    rank(model, bought, one, { slot: 'discover', k: 3 });
    expect(items(rank(model, basketProfile([], history), one, { slot: 'discover', k: 2 }))).toEqual([1, 3]);
  });
});

it('selects as sorting would', () => {
  const scores = Float32Array.from({ length: 500 }, (_, n) => ((n * 7919) % 101) / 10);
  const sorted = [...scores.keys()]
    .filter((n) => scores[n]! > 0)
    .sort((a, b) => scores[b]! - scores[a]! || a - b);
  for (const k of [1, 7, 50, 499, 1000]) expect(selectTop(scores, k, () => true)).toEqual(sorted.slice(0, k));
});

it('never selects what is not a number', () => {
  expect(selectTop(Float32Array.of(NaN, 1, -Infinity, Infinity), 4, () => true)).toEqual([3, 1]);
});
