import type { Companions } from './companions.ts';
import { nextPurchase, type Due, type SignalModel } from './due.ts';

/** Why an item is probably missing from a basket. */
export type ForgottenEvidence =
  | { readonly kind: 'due'; readonly due: Due }
  /** Of `of` orders with `item`, which is in the basket, `times` held the missing one too. */
  | { readonly kind: 'together'; readonly item: number; readonly times: number; readonly of: number };

export interface Forgotten {
  readonly item: number;
  /** The chance that it belongs into this basket, 0 … 1. */
  readonly chance: number;
  readonly evidence: ForgottenEvidence;
}

/** Below this it is not worth a question. */
const LEAST_CHANCE = 0.15;
/** What companionship counts where the account never bought the item. */
const STRANGER = 0.5;
/** Days ahead: an account that orders every week needs until its next order what is due within that week. */
const HORIZON = { least: 5, most: 30, unknown: 14 };

/**
 * What `basket` probably lacks, likeliest first: what the account is due to buy before its next order, and what comes in
 * the same orders as the basket's items. `customer` null: the basket alone speaks. `at`: days since 1970.
 */
export function forgottenItems(
  model: SignalModel & { readonly companions: Companions },
  customer: number | null,
  basket: readonly number[],
  { at, limit }: { at: number; limit: number },
): Forgotten[] {
  const inBasket = new Set(basket);
  const found = new Map<number, Forgotten>();
  const bought = new Set<number>();
  if (customer !== null) {
    const { indptr, item } = model.history;
    const horizon = untilNextOrder(model, customer);
    for (let p = indptr[customer]!; p < indptr[customer + 1]!; p++) {
      bought.add(item[p]!);
      if (inBasket.has(item[p]!)) continue;
      const due = nextPurchase(model, customer, p, { at, horizon });
      if (due !== null && due.inUse >= 0.5)
        found.set(due.item, { item: due.item, chance: due.chance, evidence: { kind: 'due', due } });
    }
  }
  for (const [item, companion] of strongest(model.companions, inBasket)) {
    const known = found.get(item);
    const chance = companion.chance * (customer === null || bought.has(item) ? 1 : STRANGER);
    if (known === undefined) found.set(item, { ...companion, item, chance });
    else {
      const either = 1 - (1 - known.chance) * (1 - chance);
      found.set(item, { ...(known.chance >= chance ? known : companion), item, chance: either });
    }
  }
  return [...found.values()]
    .filter(({ chance }) => chance >= LEAST_CHANCE)
    .sort((a, b) => b.chance - a.chance || a.item - b.item)
    .slice(0, limit);
}

function untilNextOrder({ accounts }: SignalModel, customer: number): number {
  const days = Math.exp(accounts.mean[customer]!);
  return Number.isFinite(days) ? Math.min(HORIZON.most, Math.max(HORIZON.least, days)) : HORIZON.unknown;
}

/** For each companion of the basket, the item that speaks for it most. */
function strongest(
  { together, days }: Companions,
  basket: ReadonlySet<number>,
): Map<number, Omit<Forgotten, 'item'>> {
  const found = new Map<number, Omit<Forgotten, 'item'>>();
  for (const item of basket)
    for (let p = together.indptr[item] ?? 0; p < (together.indptr[item + 1] ?? 0); p++) {
      const other = together.index[p]!;
      const of = days[item]!;
      const times = together.weight[p]!;
      // Leaning on one in ten, so that four of five say less than forty of fifty.
      const chance = (times + 1) / (of + 10);
      if (basket.has(other) || chance <= (found.get(other)?.chance ?? 0)) continue;
      found.set(other, { chance, evidence: { kind: 'together', item, times, of } });
    }
  return found;
}
