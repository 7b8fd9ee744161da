import { nextPurchase } from '../../../functions/recommender/signals/due.ts';
import { medianOf, nextPurchases, type Figure, type Scene } from './scene.ts';

/** Moments at which dates are foretold: a summer's end, an autumn, a winter. */
const MOMENTS = [420, 500, 600];
const HORIZON = 14;

/**
 * When every pair bought at least twice, and bought again before the history ends, is bought next: the median of how many
 * days the foretold date is off. Reference: the last purchase and the mean of the intervals, not before the moment.
 * Beside it: the error of who knows the planted cycles, which jitter of 15 % and waiting for an order day leave over.
 */
export function measureDates(scene: Scene): Figure[] {
  const ours: number[] = [];
  const naive: number[] = [];
  const planted: number[] = [];
  const seasonal = { ours: [] as number[], naive: [] as number[] };
  let promised = 0;
  let kept = 0;
  let pairs = 0;
  for (const moment of MOMENTS) {
    const signals = scene.signalsAt(moment);
    const { history, rhythms } = signals;
    const at = scene.dayAt(moment);
    const next = nextPurchases(scene, at);
    for (let c = 0; c < history.customers; c++)
      for (let p = history.indptr[c]!; p < history.indptr[c + 1]!; p++) {
        const item = history.item[p]!;
        const due = nextPurchase(signals, c, p, { at, horizon: HORIZON });
        if (due === null) continue;
        const truth = next.get(c * history.items + item);
        promised += due.chance;
        pairs++;
        if (truth !== undefined && truth < at + HORIZON) kept++;
        if (truth === undefined || rhythms.waits[p] === 0) continue;
        const last = Math.floor(history.last[p]!);
        const mean = (last - Math.floor(history.first[p]!)) / (rhythms.waits[p] ?? 1);
        ours.push(Math.abs(due.expected - truth));
        naive.push(Math.abs(Math.max(at, last + mean) - truth));
        const cycle = plantedCycle(scene, c, item);
        if (cycle !== null) planted.push(Math.abs(Math.max(at, last + cycle) - truth));
        if (scene.demo.catalogue.bySku.get(scene.items.keys[item] ?? '')?.family?.season != null) {
          seasonal.ours.push(ours.at(-1)!);
          seasonal.naive.push(naive.at(-1)!);
        }
      }
  }
  const figure = (name: string, value: number, reference: number, against: string, n: number): Figure => ({
    name,
    value,
    unit: 'days',
    reference,
    against,
    n,
  });
  return [
    figure(
      'reorder-date-median-error-days',
      medianOf(ours),
      medianOf(naive),
      'last + mean interval',
      ours.length,
    ),
    figure('reorder-date-mean-error-days', mean(ours), mean(naive), 'last + mean interval', ours.length),
    figure(
      'reorder-date-possible-error-days',
      medianOf(planted),
      medianOf(naive),
      'last + mean interval',
      planted.length,
    ),
    figure(
      'reorder-date-seasonal-error-days',
      medianOf(seasonal.ours),
      medianOf(seasonal.naive),
      'last + mean interval',
      seasonal.ours.length,
    ),
    {
      name: 'reorder-chance-kept-to-promised',
      value: kept / promised,
      unit: 'share',
      reference: 1,
      against: `as promised, within ${HORIZON} days`,
      n: pairs,
    },
  ];
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** The cycle planted for what is sold today under `item`, and half the time between two order days. */
function plantedCycle({ demo, items }: Scene, customer: number, item: number): number | null {
  const { habits, rhythm } = demo.accounts[customer]!;
  const today = (sku: string): string => {
    const successor = demo.catalogue.bySku.get(sku)?.supersededBy ?? null;
    return successor === null ? sku : today(successor);
  };
  const habit = habits.find(({ sku }) => today(sku) === items.keys[item]);
  return habit === undefined ? null : habit.cycle + rhythm / 2;
}
