import { buildHistory, type Catalogue, type Interactions } from '../../functions/recommender/data.ts';
import { signalSteps, type Signals } from '../../functions/recommender/signals/fit.ts';
import { finish } from '../../functions/recommender/steps.ts';
import { catalogue, DAY, START, toInteractions, type Line } from '#tests/purchases';

/** Lines of one item bought every `every` days from `from` up to `until`. */
export function everyDays(
  [customer, item]: readonly [number, number],
  {
    every,
    from = 0,
    until,
    quantity = 1,
  }: { every: number; from?: number; until: number; quantity?: number },
): Line[] {
  const lines: Line[] = [];
  for (let day = from; day <= until; day += every) lines.push([customer, item, day, quantity]);
  return lines;
}

/** What is learned of lines, each worth ten a unit, with the day of START + n for each n. */
export function signalsOf(
  lines: readonly Line[],
  size: { customers: number; items: number },
  items: Catalogue = catalogue('i', size.items),
): { signals: Signals; interactions: Interactions; items: Catalogue; at: (day: number) => number } {
  const plain = toInteractions(lines);
  const interactions = { ...plain, value: plain.quantity.map((n) => n * 10) };
  const { history } = buildHistory(interactions, size);
  return {
    signals: finish(signalSteps(interactions, history, items)),
    interactions,
    items,
    at: (day) => START / DAY + day,
  };
}
