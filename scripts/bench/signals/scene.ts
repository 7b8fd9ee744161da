import { DAY_MS, buildHistory } from '../../../functions/recommender/data.ts';
import { signalSteps, type Signals } from '../../../functions/recommender/signals/fit.ts';
import { finish } from '../../../functions/recommender/steps.ts';
import { truthsOf, type Truths } from '#scripts/demo/wholesaler';
import { demoOrderLines, type DemoLines } from '../demo-lines.ts';

/** One measured figure, with what a plain way reaches on the same cases. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'share' | 'days';
  readonly reference: number | null;
  /** What the reference is. */
  readonly against: string;
  readonly n: number;
}

export interface Scene extends DemoLines {
  readonly seed: number;
  readonly truths: Truths;
  readonly size: { readonly customers: number; readonly items: number };
  /** Days since 1970 of a day of the history. */
  readonly dayAt: (day: number) => number;
  /** What is known when so many days of the history are over. */
  readonly signalsAt: (day: number) => Signals;
}

export function makeScene(seed: number): Scene {
  const lines = demoOrderLines({ seed });
  const { demo, interactions, items } = lines;
  const size = { customers: lines.customers.keys.length, items: items.keys.length };
  const start = Date.parse(`${demo.options.lastDay}T00:00:00Z`) / DAY_MS - (demo.options.days - 1);
  return {
    ...lines,
    seed,
    size,
    truths: truthsOf(demo),
    dayAt: (day) => start + day,
    signalsAt: (day) => {
      const { history } = buildHistory(interactions, size, { until: (start + day) * DAY_MS });
      return finish(signalSteps(interactions, history, items));
    },
  };
}

/** Share of `hits`; 0 of nothing. */
export const shareOf = (hits: number, of: number): number => (of === 0 ? 0 : hits / of);

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** The next day since `from` on which each (customer × items + item) was bought. */
export function nextPurchases({ interactions, size }: Scene, from: number): Map<number, number> {
  const next = new Map<number, number>();
  for (let n = 0; n < interactions.item.length; n++) {
    const day = Math.floor(interactions.time[n]! / DAY_MS);
    if (day < from) continue;
    const pair = interactions.customer[n]! * size.items + interactions.item[n]!;
    if (!((next.get(pair) ?? Infinity) <= day)) next.set(pair, day);
  }
  return next;
}
