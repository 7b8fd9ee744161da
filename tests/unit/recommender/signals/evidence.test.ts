import { finish } from '../../../../functions/recommender/steps.ts';
import { findSupersessions } from '../../../../functions/recommender/signals/supersessions.ts';
import { forgottenItems } from '../../../../functions/recommender/signals/forgotten.ts';
import { openJournal } from '../../../../functions/recommender/signals/journal.ts';
import { shareTogether } from '../../../../functions/recommender/signals/companions.ts';
import { makeWhiteSpaces } from '../../../../functions/recommender/signals/white-space.ts';
import {
  describeDue,
  describeForgotten,
  describeSupersession,
  describeWhiteSpace,
} from '../../../../functions/recommender/signals/words.ts';
import { dueItems } from '../../../../functions/recommender/signals/due.ts';
import { everyDays, signalsOf } from '#tests/habits';
import { catalogue, type Line } from '#tests/purchases';

describe('did you forget?', () => {
  const size = { customers: 12, items: 6 };
  // Twelve customers buy 0 with 1, and 2 alone; 3, 4 and 5 now and then.
  const lines: Line[] = Array.from({ length: 12 }, (_, customer) => [
    ...everyDays([customer, 0], { every: 30, from: customer, until: 290 }),
    ...everyDays([customer, 1], { every: 30, from: customer, until: 290 }),
    ...everyDays([customer, 2], { every: 14, from: customer + 3, until: 290 }),
    ...everyDays([customer, 3 + (customer % 3)], { every: 50, from: customer + 9, until: 290 }),
  ]).flat();
  const { signals, at, items } = signalsOf(lines, size);

  it('knows what comes in the same orders', () => {
    expect(shareTogether(signals.companions, 0, 1)).toBeGreaterThan(0.9);
    expect(shareTogether(signals.companions, 0, 2)).toBe(0);
  });

  it('asks for the companion of what is in the basket, also of a stranger, and never for what is there', () => {
    const found = forgottenItems(signals, null, [0], { at: at(290), limit: 5 });
    expect(found[0]).toMatchObject({ item: 1, evidence: { kind: 'together', item: 0 } });
    expect(describeForgotten(found[0]!, items)).toMatch(
      /^In \d+ of \d+ orders with The i0, which is in the basket\.$/,
    );
    expect(forgottenItems(signals, null, [0, 1], { at: at(290), limit: 5 })).toEqual([]);
  });

  it('asks a customer for what is due before its next order', () => {
    const found = forgottenItems(signals, 0, [0, 1], { at: at(297), limit: 5 });
    expect(found.map(({ item }) => item)).toContain(2);
    const [due] = found.filter(({ item }) => item === 2);
    expect(due?.evidence.kind).toBe('due');
    expect(describeForgotten(due!, items)).toMatch(
      /^Bought on 21 days, about every 14 days, last on 2025-10-\d\d: /,
    );
  });
});

describe('white space', () => {
  // Two trades of twenty customers: items 0-15 in A and B, items 16-31 in C and D; customer 0 lacks B.
  const names = Array.from({ length: 32 }, (_, item) => 'ABCD'[Math.floor(item / 8)]!);
  const items = { ...catalogue('i', 32), categories: names };
  const lines: Line[] = [];
  for (let customer = 0; customer < 40; customer++) {
    const from = customer < 20 ? 0 : 16;
    for (let n = 0; n < 16; n++) {
      const item = from + n;
      if ((customer * 7 + n) % 3 === 0 || (customer === 0 && names[item] === 'B')) continue;
      lines.push(...everyDays([customer, item], { every: 30, from: n, until: 364 }));
    }
  }
  const { signals } = signalsOf(lines, { customers: 40, items: 32 }, items);
  const spaces = finish(makeWhiteSpaces(signals, items));

  it('names the category that those like it buy, with how many, how much and what', () => {
    const [found, ...more] = spaces.of(0, 5);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ category: 'B', similar: 19, of: 19 });
    expect(found?.everybody).toBeCloseTo(19 / 40, 5);
    // Five items a month at ten each.
    expect(found?.yearly).toBeGreaterThan(300);
    expect(found?.yearly).toBeLessThan(800);
    expect(found?.items.every(({ item }) => names[item] === 'B')).toBe(true);
    expect(describeWhiteSpace(found!, true)).toMatch(
      /^19 of the 19 most similar customers buy B, typically for \d+ a year; of all customers 48 % do\.$/,
    );
  });

  it('is silent about those who lack nothing, and where items have no categories', () => {
    expect(spaces.of(1, 5)).toEqual([]);
    expect(finish(makeWhiteSpaces(signals, catalogue('i', 32))).of(0, 5)).toEqual([]);
  });
});

describe('supersessions', () => {
  const size = { customers: 12, items: 4 };
  // Item 0 ends on day 180 and 1 follows it at the same customers; 2 ends too, without a successor; 3 goes on.
  const lines: Line[] = Array.from({ length: 12 }, (_, customer) => [
    ...everyDays([customer, 0], { every: 20, from: customer, until: 180 }),
    ...everyDays([customer, 1], { every: 20, from: 190 + customer, until: 400 }),
    ...(customer < 3 ? everyDays([customer, 2], { every: 15, from: customer, until: 150 }) : []),
    ...everyDays([customer, 3], { every: 25, from: customer, until: 400 }),
  ]).flat();

  it('finds the one whose customers moved, without any names', () => {
    const { signals } = signalsOf(lines, size, {
      keys: ['a', 'b', 'c', 'd'],
      names: [null, null, null, null],
    });
    expect(signals.supersessions).toMatchObject([{ ended: 0, successor: 1, moved: 12, of: 12 }]);
    expect(describeSupersession(signals.supersessions[0]!)).toMatch(
      /^Last sold on 2025-06-\d\d; the other first on 2025-07-\d\d, and 12 of 12 customers came to buy it\.$/,
    );
  });

  it('does not take a newcomer of other customers for a successor', () => {
    const strangers = lines.map(([customer, item, day]): Line => [
      item === 1 ? customer + 12 : customer,
      item,
      day,
    ]);
    const { signals, interactions, items } = signalsOf(strangers, { customers: 24, items: 4 });
    expect(finish(findSupersessions(finish(openJournal(interactions, signals.history)), items))).toEqual([]);
  });
});

test('words for what is due say whose rhythm it is and how late it is', () => {
  const { signals, at } = signalsOf(everyDays([0, 1], { every: 20, until: 200 }), { customers: 1, items: 2 });
  const [due] = dueItems(signals, 0, { at: at(222), horizon: 7, leastChance: 0 });
  expect(describeDue(due!)).toBe('Bought on 11 days, about every 20 days, last on 2025-07-20: 2 days late.');
});
