import type { Wholesaler } from '#scripts/demo/wholesaler';

/**
 * What an account was planned to buy a day, in euro at list prices, from one day of the history to another: what its
 * habits in use come to, before jitter, seasons and passing needs. The truth about growing and shrinking.
 */
export function plannedRate(
  { accounts, catalogue }: Pick<Wholesaler, 'accounts' | 'catalogue'>,
  account: number,
  from: number,
  to: number,
): number {
  const { habits, since, until } = accounts[account]!;
  let sum = 0;
  for (const habit of habits) {
    const product = catalogue.bySku.get(habit.sku)!;
    const days = Math.min(to, habit.until, until) - Math.max(from, habit.from, since);
    if (days > 0) sum += (days * habit.packs * product.packSize * product.listPrice) / habit.cycle;
  }
  return sum / (to - from);
}
