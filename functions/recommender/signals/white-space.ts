import { transpose, type Catalogue } from '../data.ts';
import type { SignalModel } from './due.ts';

/** A category that accounts like this one buy and it does not. */
export interface WhiteSpace {
  readonly category: string;
  /** Of `of` most similar accounts, `similar` buy in the category. */
  readonly similar: number;
  readonly of: number;
  /** The share of all accounts that do. */
  readonly everybody: number;
  /** Money in a year, the median of those similar accounts; null where no values are known. */
  readonly yearly: number | null;
  /** What most of them buy of it, most buyers first. */
  readonly items: readonly { readonly item: number; readonly buyers: number }[];
}

/** Answers for one version; holds who bought each item. */
export interface WhiteSpaces {
  /** The categories that `customer` leaves out, strongest evidence first; none where too few accounts are like it. */
  of(customer: number, limit: number): WhiteSpace[];
}

/** Accounts that are looked at. */
const SIMILAR = 40;
/** Fewer say nothing. */
const LEAST_SIMILAR = 10;
/** Items of an account below which no account can be called like it. */
const LEAST_ITEMS = 4;
/** Items that more accounts than so many buy make nobody similar; and the work stays bounded. */
const MOST_BUYERS = 5000;
/** Days in a category that make it part of the assortment: once is a passing need. */
const USES = 2;
/** How far, on the careful side, the similar accounts' share must be above everybody's. */
const LIFT = 1.6;
const LEAST_SHARE = 0.3;
const ITEMS_LISTED = 5;

export function makeWhiteSpaces(model: SignalModel, items: Catalogue): WhiteSpaces {
  const { history, rhythms } = model;
  const { customers } = history;
  const names = [...new Set((items.categories ?? []).filter((name) => name !== null))].sort();
  const ids = new Map(names.map((name, id) => [name, id]));
  const categoryOf = Int32Array.from(
    { length: history.items },
    (_, i) => ids.get(items.categories?.[i] ?? '') ?? -1,
  );
  const holders = transpose({
    rows: customers,
    columns: history.items,
    indptr: history.indptr,
    index: history.item,
    // What was bought once tells less of what an account does.
    weight: Float32Array.from(rhythms.waits, (waits) => (waits > 0 ? 1 : 0.4)),
  });
  const rarity = Float32Array.from(history.buyers, (n) =>
    n > 0 && n <= MOST_BUYERS ? Math.log((customers + 1) / n) : 0,
  );
  const norms = new Float64Array(customers);
  for (let c = 0; c < customers; c++)
    norms[c] = Math.sqrt(own(c).reduce((sum, { weight }) => sum + weight * weight, 0));
  const base = new Float64Array(names.length);
  for (let c = 0; c < customers; c++) for (const [g, { uses }] of spent(c)) if (uses >= USES) base[g]!++;
  const buyersAtAll = norms.reduce((n, norm) => n + (norm > 0 ? 1 : 0), 0);

  function own(c: number): { item: number; weight: number }[] {
    const found: { item: number; weight: number }[] = [];
    for (let p = history.indptr[c]!; p < history.indptr[c + 1]!; p++) {
      const item = history.item[p]!;
      found.push({ item, weight: rarity[item]! * (rhythms.waits[p]! > 0 ? 1 : 0.4) });
    }
    return found;
  }
  /** By category: days of use over its items, money, and its items. */
  function spent(c: number): Map<number, { uses: number; value: number; items: number[] }> {
    const found = new Map<number, { uses: number; value: number; items: number[] }>();
    for (let p = history.indptr[c]!; p < history.indptr[c + 1]!; p++) {
      const g = categoryOf[history.item[p]!]!;
      if (g < 0) continue;
      const sum = found.get(g) ?? { uses: 0, value: 0, items: [] };
      sum.uses += rhythms.waits[p]! + 1;
      sum.value += rhythms.value[p]!;
      sum.items.push(history.item[p]!);
      found.set(g, sum);
    }
    return found;
  }
  function similarTo(customer: number): number[] {
    const sums = new Float64Array(customers);
    for (const { item, weight } of own(customer))
      for (let p = holders.indptr[item]!; p < holders.indptr[item + 1]!; p++)
        sums[holders.index[p]!]! += weight * rarity[item]! * holders.weight[p]!;
    sums[customer] = 0;
    const known = Array.from({ length: customers }, (_, c) => c).filter((c) => sums[c]! > 0);
    const score = (c: number) => sums[c]! / norms[c]!;
    return known.sort((a, b) => score(b) - score(a) || a - b).slice(0, SIMILAR);
  }

  return {
    of(customer, limit) {
      if (names.length === 0 || own(customer).length < LEAST_ITEMS) return [];
      const similar = similarTo(customer).map((c) => ({ c, spent: spent(c) }));
      if (similar.length < LEAST_SIMILAR) return [];
      const ours = spent(customer);
      const found: { space: WhiteSpace; strength: number }[] = [];
      for (const [g, category] of names.entries()) {
        if ((ours.get(g)?.uses ?? 0) >= USES) continue;
        const users = similar.filter(({ spent: theirs }) => (theirs.get(g)?.uses ?? 0) >= USES);
        const everybody = base[g]! / Math.max(1, buyersAtAll);
        const careful = wilson(users.length, similar.length);
        if (careful < LIFT * everybody || users.length < LEAST_SHARE * similar.length) continue;
        const space: WhiteSpace = {
          category,
          similar: users.length,
          of: similar.length,
          everybody,
          yearly: typicalYear(users.map(({ c, spent: theirs }) => theirs.get(g)!.value / yearsOf(c))),
          items: mostBought(users.flatMap(({ spent: theirs }) => theirs.get(g)!.items)),
        };
        found.push({ space, strength: careful - everybody });
      }
      return found
        .sort((a, b) => b.strength - a.strength || (a.space.category < b.space.category ? -1 : 1))
        .slice(0, limit)
        .map(({ space }) => space);
    },
  };

  function yearsOf(c: number): number {
    const first = model.accounts.first[c]!;
    return Math.max(0.25, (history.asOf - first) / 365);
  }
}

/** The lower end of the 90 % interval of a share (Wilson). */
function wilson(hits: number, of: number): number {
  const z = 1.28;
  const share = hits / of;
  const centre = share + (z * z) / (2 * of);
  const spread = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  return (centre - spread) / (1 + (z * z) / of);
}

function typicalYear(values: readonly number[]): number | null {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b);
  return known.length === 0 ? null : known[known.length >> 1]!;
}

function mostBought(items: readonly number[]): { item: number; buyers: number }[] {
  const buyers = new Map<number, number>();
  for (const item of items) buyers.set(item, (buyers.get(item) ?? 0) + 1);
  return [...buyers]
    .map(([item, n]) => ({ item, buyers: n }))
    .sort((a, b) => b.buyers - a.buyers || a.item - b.item)
    .slice(0, ITEMS_LISTED);
}
