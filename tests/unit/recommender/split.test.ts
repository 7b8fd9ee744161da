import { makeCases, planWindows } from '../../../functions/recommender/split.ts';
import { DAY, START, toInteractions, wholesaler, type Line } from '#tests/purchases';

const everyDay = (days: number) =>
  Float64Array.from({ length: days }, (_, day) => START + day * DAY + 3_600_000);

describe('windows', () => {
  it('holds out whole days from the end', () => {
    const windows = planWindows(everyDay(100), { days: 10 });
    expect(windows.testFrom).toBe(START + 90 * DAY);
    expect(windows.validationFrom).toBe(START + 80 * DAY);
    expect(windows.testUntil).toBe(START + 99 * DAY + 3_600_000);
  });

  it('holds out a share of the lines, beginning at midnight', () => {
    const windows = planWindows(everyDay(101), { quantile: 0.1 });
    expect(windows.testFrom).toBe(START + 90 * DAY);
    expect(windows.validationFrom).toBe(START + 80 * DAY);
  });

  it('says how long the history is when it is too short', () => {
    expect(() => planWindows(everyDay(15), { days: 10 })).toThrow(/span 15 days.*10 days twice/);
    expect(() => planWindows(new Float64Array(0), { days: 10 })).toThrow(
      expect.objectContaining({
        code: 'history-empty',
        message: expect.stringContaining('no purchase with a date'),
      }),
    );
  });
});

describe('cases', () => {
  const lines: Line[] = [
    [0, 0, 1],
    [0, 0, 20], // bought again in the window
    [0, 1, 20], // discovered: known from customer 1
    [0, 2, 20], // nobody had bought it before
    [1, 1, 2],
    [2, 0, 21], // a new customer
  ];
  const cases = makeCases(toInteractions(lines), { customers: 3, items: 3 }, START + 10 * DAY, Infinity);

  it('measures customers who had bought before, on items known before', () => {
    expect([...cases.customers]).toEqual([0]);
    expect(cases.targets.map((items) => [...items])).toEqual([[0, 1]]);
    expect(cases).toMatchObject({ newCustomers: 1, newItemPurchases: 1 });
  });

  it('lets nothing of the window into the history', () => {
    const { interactions } = wholesaler();
    const { testFrom } = planWindows(interactions.time, { quantile: 0.1 });
    const { before } = makeCases(interactions, { customers: 120, items: 60 }, testFrom, Infinity);
    const newest = before.last.reduce((a, b) => Math.max(a, b), 0);
    expect(newest * DAY).toBeLessThan(testFrom);
    expect(before.asOf * DAY).toBe(testFrom);
    // The same lines with the window's purchases exchanged for others give the same history.
    const other = { ...interactions, item: interactions.item.slice() };
    for (let n = 0; n < other.item.length; n++) if (other.time[n]! >= testFrom) other.item[n] = 59;
    expect(makeCases(other, { customers: 120, items: 60 }, testFrom, Infinity).before).toEqual(before);
  });
});
