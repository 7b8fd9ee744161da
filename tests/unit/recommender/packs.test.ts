import { basketProfile, profileOf, buildHistory } from '../../../functions/recommender/data.ts';
import { describeSuggestion, fitPacks, suggestQuantity } from '../../../functions/recommender/packs.ts';
import { type Line, toInteractions } from '#tests/purchases';

/** 20 lines each: item 0 in dozens, 1 in any number, 2 by weight, 3 in sixes but for one line; 4 only twice, in tens. */
const lines: Line[] = Array.from({ length: 20 }, (_, n): Line[] => [
  [n % 5, 0, n, 12 * (1 + (n % 3))],
  [n % 5, 1, n, 1 + (n % 7)],
  [n % 5, 2, n, 0.5 + n],
  [n % 5, 3, n, n === 7 ? 5 : 6],
  ...(n < 2 ? [[n, 4, n, 10] as const] : []),
]).flat();
const interactions = toInteractions(lines);
const size = { customers: 5, items: 6 };
const { history } = buildHistory(interactions, size);
const packs = fitPacks(interactions, size.items);

it('finds the lots that orders show, and none where there is not enough evidence', () => {
  expect([...packs.lot]).toEqual([12, 1, 0, 6, 1, 0]);
  expect(packs.share[3]).toBeCloseTo(0.95);
});

it('suggests what a customer usually orders, in whole lots', () => {
  const profile = profileOf(history, 0);
  // 12, 36, 24, 12 are a mean of 21.
  const dozen = suggestQuantity(packs, profile, 0);
  expect(dozen).toMatchObject({ quantity: 24, lot: 12, from: 'own', orders: 4 });
  expect(describeSuggestion(dozen!)).toBe(
    '21 a time in 4 orders; ordered in lots of 12 (100 % of 20 order lines).',
  );
  expect(suggestQuantity(packs, profile, 2)).toMatchObject({ quantity: 8, lot: null });
});

it('suggests what everybody orders where the customer never did, and nothing where nobody did', () => {
  const nobody = basketProfile([], history);
  expect(suggestQuantity(packs, nobody, 0)).toMatchObject({ quantity: 24, from: 'everybody', lines: 20 });
  expect(suggestQuantity(packs, nobody, 4)).toMatchObject({ quantity: 10, lot: null });
  expect(suggestQuantity(packs, nobody, 5)).toBeNull();
});
