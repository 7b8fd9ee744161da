import {
  basketProfile,
  buildHistory,
  learnable,
  newestItems,
  profileOf,
  recencyWeight,
  sizeOf,
  toSparse,
  transpose,
} from '../../../functions/recommender/data.ts';
import { withOrders } from '../../../functions/recommender/recent.ts';
import { DAY, START, toInteractions } from '#tests/purchases';

const size = { customers: 3, items: 4 };

describe('history', () => {
  it('counts baskets, not lines, and keeps first, last and quantity', () => {
    const { history } = buildHistory(
      toInteractions([
        [1, 2, 5, 3, 10],
        [1, 2, 5, 4, 10], // the same basket again
        [1, 2, 9, 1, 11],
        [1, 0, 9, 2, 11],
        [0, 3, 1, 1, 12],
      ]),
      size,
    );
    const profile = profileOf(history, 1);
    expect([...profile.items]).toEqual([0, 2]);
    expect([...profile.count]).toEqual([1, 2]);
    expect([...profile.quantity]).toEqual([2, 8]);
    expect(profile.first[1]).toBe(START / DAY + 5);
    expect(profile.last[1]).toBe(START / DAY + 9);
    expect([...history.buyers]).toEqual([1, 0, 1, 1]);
    expect(profileOf(history, 2).items).toHaveLength(0);
  });

  it('knows each customer’s segment, through every form of itself; no segment is none', () => {
    const names = { keys: ['a', 'b', 'c'], names: [null, null, null] };
    const segmented = sizeOf({ ...names, segments: ['Trade', '', 'Élite'] }, { keys: [], names: [] });
    expect(segmented).toMatchObject({ customers: 3, items: 0, segments: ['Trade', 'Élite'] });
    const { history } = buildHistory(toInteractions([[0, 1, 3]]), { ...segmented, items: 4 });
    const formed = learnable(newestItems(history, 1), 1, 1);
    expect([0, 1, 2].map((c) => profileOf(formed, c).segment)).toEqual([0, -1, 1]);
    const order = { item: 2, quantity: 1, day: START / DAY + 9 };
    expect(withOrders(profileOf(formed, 2), [order]).segment).toBe(1);
    const plain = buildHistory(toInteractions([[0, 1, 3]]), sizeOf(names, { keys: ['x', 'y'], names: [] }));
    expect(plain.history).not.toHaveProperty('segment');
    expect(withOrders(profileOf(plain.history, 0), [order])).not.toHaveProperty('segment');
  });

  it('takes a day as a basket where none is named', () => {
    const lines = toInteractions([
      [0, 1, 3],
      [0, 1, 3],
      [0, 1, 4],
    ]);
    expect([...buildHistory(lines, size).history.count]).toEqual([2]);
  });

  it('leaves out what cannot be learned from, by reason', () => {
    const lines = toInteractions([
      [0, 0, 1, -2],
      [0, 9, 1],
      [7, 0, 1],
      [0, 0, NaN],
      [0, 0, 2],
    ]);
    const { history, leftOut } = buildHistory(lines, size);
    expect(leftOut).toEqual({ notPositive: 1, unknownId: 2, noTime: 1 });
    expect(history.item).toHaveLength(1);
  });

  it('sees only its window, and stands at its end', () => {
    const lines = toInteractions([
      [0, 0, 1],
      [0, 1, 2],
      [0, 2, 3],
    ]);
    const { history } = buildHistory(lines, size, { from: START + 2 * DAY, until: START + 3 * DAY });
    expect([...history.item]).toEqual([1]);
    expect(history.asOf).toBe(START / DAY + 3);
  });
});

it('learns only from customers and items with enough purchases, keeping ids', () => {
  const { history } = buildHistory(
    toInteractions([
      [0, 0, 1],
      [0, 1, 1],
      [1, 0, 1],
      [1, 2, 1],
      [2, 0, 1],
    ]),
    size,
  );
  const learned = learnable(history, 2, 2);
  expect([...learned.indptr]).toEqual([0, 1, 2, 2]);
  expect([...learned.item]).toEqual([0, 0]);
  expect(learned.items).toBe(4);
});

it('keeps the newest items of each customer, of equal days the smaller ids', () => {
  const lines = toInteractions([
    [0, 0, 9],
    [0, 1, 2],
    [0, 2, 5],
    [0, 3, 5],
    [2, 3, 1],
  ]);
  const { history } = buildHistory(lines, size);
  const newest = newestItems(history, 2);
  expect([...newest.indptr]).toEqual([0, 2, 2, 3]);
  expect([...newest.item]).toEqual([0, 2, 3]);
  expect([...newest.buyers]).toEqual([1, 0, 1, 1]);
  expect([...newest.last].map((day) => day - START / DAY)).toEqual([9, 5, 1]);
  expect(newestItems(history, 4)).toEqual(history);
});

it('transposes back to itself', () => {
  const { history } = buildHistory(
    toInteractions([
      [0, 3, 1],
      [0, 1, 1],
      [2, 0, 1],
      [2, 3, 1],
    ]),
    size,
  );
  const matrix = toSparse(history, null);
  const there = transpose(matrix);
  expect([...there.indptr]).toEqual([0, 1, 2, 2, 4]);
  expect([...there.index]).toEqual([2, 0, 0, 2]);
  expect(transpose(there)).toEqual(matrix);
});

it('halves a purchase for every half-life', () => {
  expect(recencyWeight(0, 30)).toBe(1);
  expect(recencyWeight(60, 30)).toBe(0.25);
  expect(recencyWeight(1000, null)).toBe(1);
});

it('makes a profile of a basket without repeats and unknown items', () => {
  expect([...basketProfile([3, 1, 3, 99, -1], { items: 4, asOf: 0 }).items]).toEqual([1, 3]);
});
