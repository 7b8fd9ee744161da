import { accountState, marketTrend } from '../../../../functions/recommender/signals/at-risk.ts';
import { everyDays, signalsOf } from '#tests/habits';
import type { Line } from '#tests/purchases';

const size = { customers: 30, items: 3 };
const state = (lines: readonly Line[], customer: number, day: number) => {
  const { signals, at } = signalsOf(lines, size);
  return accountState(signals, customer, at(day), marketTrend(signals.accounts));
};

test('an account is late, then lapsed, by its own rhythm', () => {
  const weekly = everyDays([0, 0], { every: 7, until: 420 });
  const quarterly = everyDays([1, 0], { every: 60, until: 420 });
  const lines = [...weekly, ...quarterly];
  expect(state(lines, 0, 424)?.rhythm).toBe('on-time');
  expect(state(lines, 0, 438)?.rhythm).toBe('late');
  expect(state(lines, 0, 460)).toMatchObject({ rhythm: 'lapsed', trend: 'shrinking', silent: 40 });
  expect(state(lines, 1, 460)?.rhythm).toBe('on-time');
  expect(state(lines, 1, 700)?.rhythm).toBe('lapsed');
});

test('too few orders tell nothing, and who never ordered is no account', () => {
  const lines = [
    ...everyDays([0, 0], { every: 30, until: 90 }),
    ...everyDays([1, 0], { every: 9, until: 400 }),
  ];
  expect(state(lines, 0, 400)).toMatchObject({ rhythm: 'unknown', interval: null, trend: 'unknown' });
  expect(state(lines, 2, 400)).toBeNull();
});

test('who is closed every summer is not lapsed in the third', () => {
  const open = (day: number) =>
    ![6, 7].includes(new Date(Date.UTC(2025, 0, 1) + day * 86_400_000).getUTCMonth());
  const school = everyDays([0, 0], { every: 8, until: 908 }).filter(([, , day]) => open(day));
  const others = everyDays([1, 0], { every: 8, until: 908 });
  // The middle of August in the third year; the school is silent since the end of June.
  expect(state([...school, ...others], 0, 955)?.rhythm).not.toBe('lapsed');
  expect(state([...school, ...others], 1, 955)?.rhythm).toBe('lapsed');
});

test('who buys half of it is shrinking, unless everybody does', () => {
  const weeks = (customer: number, before: number, since: number) => [
    ...everyDays([customer, 0], { every: 7, until: 410, quantity: before }),
    ...everyDays([customer, 0], { every: 7, from: 413, until: 490, quantity: since }),
  ];
  const steady = Array.from({ length: 28 }, (_, n) => weeks(n + 1, 10, 10)).flat();
  expect(state([...weeks(0, 10, 4), ...steady], 0, 490)?.trend).toBe('shrinking');
  expect(state([...weeks(0, 10, 25), ...steady], 0, 490)?.trend).toBe('growing');
  expect(state([...weeks(0, 10, 10), ...steady], 0, 490)?.trend).toBe('steady');
  const fallen = Array.from({ length: 28 }, (_, n) => weeks(n + 1, 10, 4)).flat();
  expect(state([...weeks(0, 10, 4), ...fallen], 0, 490)?.trend).toBe('steady');
});

test('one project before is not what the account is measured by', () => {
  const weekly = everyDays([0, 0], { every: 7, until: 490, quantity: 10 });
  const others = Array.from({ length: 25 }, (_, n) => everyDays([n + 1, 0], { every: 7, until: 490 })).flat();
  expect(state([...weekly, [0, 1, 300, 900], ...others], 0, 490)?.trend).toBe('steady');
});
