import {
  after,
  monthOf,
  monthStart,
  nextOpen,
  passed,
  weekdayOf,
} from '../../../../functions/recommender/signals/calendar.ts';

const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 86_400_000;

test('months and weekdays are those of the calendar, leap years and centuries included', () => {
  for (let at = day('1999-12-25'); at < day('2101-03-05'); at += 17) {
    const date = new Date(at * 86_400_000);
    expect(monthOf(at)).toEqual({ year: date.getUTCFullYear(), month: date.getUTCMonth() });
    expect(weekdayOf(at)).toBe((date.getUTCDay() + 6) % 7);
  }
  expect(monthStart(2024, 1)).toBe(day('2024-02-01'));
  expect(monthStart(2024, 12)).toBe(day('2025-01-01'));
  expect(monthStart(2024, 14)).toBe(day('2025-03-01'));
});

test('the clock of what is closed in summer stands nearly still then, and a wait ends where it began to be counted', () => {
  const closed = new Float32Array(12).fill(1).fill(0.05, 6, 8);
  expect(passed(null, 10, 25)).toBe(15);
  expect(passed(closed, day('2025-06-20'), day('2025-09-10'))).toBeCloseTo(11 + 62 * 0.05 + 9, 5);
  for (const wait of [3, 10, 14, 40, 400])
    expect(passed(closed, day('2025-06-20'), after(closed, day('2025-06-20'), wait))).toBeCloseTo(wait, 4);
  expect(passed(closed, day('2025-06-20'), day('2025-06-01'))).toBe(0);
});

test('what falls on a day without orders waits for the next one with', () => {
  const workdays = Uint8Array.of(1, 1, 1, 1, 1, 0, 0);
  expect(nextOpen(day('2025-06-28'), workdays)).toBe(day('2025-06-30'));
  expect(nextOpen(day('2025-06-27'), workdays)).toBe(day('2025-06-27'));
  expect(nextOpen(day('2025-06-27'), new Uint8Array(7))).toBe(day('2025-06-27'));
});
