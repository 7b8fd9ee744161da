import { dueItems, nextPurchase } from '../../../../functions/recommender/signals/due.ts';
import {
  alive,
  endsWithin,
  stillWaiting,
  wholeWait,
} from '../../../../functions/recommender/signals/waiting.ts';
import { everyDays, signalsOf } from '#tests/habits';
import { seededRandom } from '../../../../functions/recommender/random.ts';
import type { Line } from '#tests/purchases';

const size = { customers: 6, items: 4 };
const ask = (at: number, horizon = 7, leastChance = 0.3) => ({ at, horizon, leastChance });

describe('waiting', () => {
  const waiting = { mean: Math.log(30), deviation: 0.2 };

  it('is half over at the median, and after a silence the rest of it is what is left', () => {
    expect(stillWaiting(waiting, 30)).toBeCloseTo(0.5, 6);
    expect(wholeWait(waiting, 0)).toBeCloseTo(30, 3);
    expect(wholeWait(waiting, 35)).toBeGreaterThan(35);
    expect(wholeWait(waiting, 35)).toBeLessThan(42);
    expect(wholeWait(waiting, 5000)).toBe(5000);
  });

  it('ends the surer the longer one looks ahead, and nothing lives for ever', () => {
    expect(endsWithin(waiting, 25, 3)).toBeLessThan(endsWithin(waiting, 25, 10));
    expect(alive(waiting, 20, 0.05)).toBeGreaterThan(0.94);
    expect(alive(waiting, 90, 0.05)).toBeLessThan(0.01);
  });
});

describe('what is due', () => {
  it('is expected one usual interval after the last purchase', () => {
    const { signals, at } = signalsOf(everyDays([0, 1], { every: 20, until: 200, quantity: 6 }), size);
    const next = nextPurchase(signals, 0, 0, { at: at(210), horizon: 14 });
    expect(next).toMatchObject({ item: 1, times: 11, last: at(200), from: 'own', usual: 6 });
    expect(next?.interval).toBeCloseTo(20, 0);
    expect(next?.late).toBe(-10);
    expect(next?.expected).toBeGreaterThanOrEqual(at(218));
    expect(next?.expected).toBeLessThanOrEqual(at(222));
  });

  it('comes with its lateness, and goes when it is probably used no more', () => {
    const { signals, at } = signalsOf(everyDays([0, 1], { every: 20, until: 200 }), size);
    expect(dueItems(signals, 0, ask(at(205)))).toEqual([]);
    expect(dueItems(signals, 0, ask(at(224)))).toMatchObject([{ item: 1, late: 4 }]);
    expect(dueItems(signals, 0, ask(at(400)))).toEqual([]);
  });

  it('lets one long pause and one double order not move the interval', () => {
    const days = [0, 30, 60, 61, 90, 120, 150, 260, 290, 320];
    const { signals, at } = signalsOf(
      days.map((day): Line => [0, 0, day]),
      size,
    );
    expect(nextPurchase(signals, 0, 0, { at: at(330), horizon: 7 })?.interval).toBeCloseTo(30, 0);
  });

  it('is told by other customers where the item was bought once, and not at all where nobody tells', () => {
    const others = [1, 2, 3, 4].flatMap((customer) =>
      everyDays([customer, 2], { every: 40, from: customer, until: 300 }),
    );
    const { signals, at } = signalsOf([...others, [0, 2, 270], [5, 3, 270]], size);
    const [first] = dueItems(signals, 0, ask(at(306), 14, 0));
    expect(first).toMatchObject({ item: 2, from: 'others', times: 1 });
    expect(first?.interval).toBeGreaterThan(30);
    expect(first?.interval).toBeLessThan(50);
    expect(dueItems(signals, 5, ask(at(306), 90, 0))).toEqual([]);
  });

  it('waits for its season', () => {
    // Bought every ten days from April to August for three years, by ten customers; four others all year.
    const lines: Line[] = [];
    for (let customer = 0; customer < 10; customer++)
      for (let day = customer % 5; day < 1096; day += 10) {
        const month = new Date(Date.UTC(2025, 0, 1) + day * 86_400_000).getUTCMonth();
        if (month >= 3 && month <= 7) lines.push([customer, 0, day]);
        for (let item = 1; item < 5; item++) lines.push([customer, item, day]);
      }
    const { signals, at } = signalsOf(lines, { customers: 10, items: 5 });
    expect(signals.seasons.paceOfItem[0]).toBeGreaterThanOrEqual(0);
    expect(signals.seasons.paceOfItem[1]).toBe(-1);
    // At the end of December the summer's item is not late, but expected towards spring.
    const summer = nextPurchase(signals, 0, 0, { at: at(1096), horizon: 14 });
    expect(summer?.inUse).toBeGreaterThan(0.5);
    expect(new Date((summer?.expected ?? 0) * 86_400_000).getUTCMonth()).toBeGreaterThanOrEqual(1);
    expect(summer?.chance).toBeLessThan(0.3);
    expect(nextPurchase(signals, 0, 1, { at: at(1096), horizon: 14 })?.chance).toBeGreaterThan(0.8);
  });

  it('says how sure it is: of what it gives a chance of seven in ten, about seven in ten come', () => {
    const random = seededRandom(5);
    const lines: Line[] = [];
    const wait = () => 20 * Math.exp(0.3 * (random() + random() + random() - 1.5) * 2);
    for (let customer = 0; customer < 400; customer++)
      for (let day = random() * 20; day < 330; day += wait()) lines.push([customer, 0, Math.floor(day)]);
    const known = lines.filter(([, , day]) => day < 300);
    const { signals, at } = signalsOf(known, { customers: 400, items: 1 });
    let promised = 0;
    let kept = 0;
    for (let customer = 0; customer < 400; customer++) {
      const due = nextPurchase(signals, customer, customer, { at: at(300), horizon: 7 });
      promised += due?.chance ?? 0;
      if (lines.some(([who, , day]) => who === customer && day >= 300 && day < 307)) kept++;
    }
    expect(kept / promised).toBeGreaterThan(0.85);
    expect(kept / promised).toBeLessThan(1.2);
  });
});
