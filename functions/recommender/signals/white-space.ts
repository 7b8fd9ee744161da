import { transpose, type Catalogue } from '../data.ts';
import type { Steps } from '../steps.ts';
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

/** Looks at all accounts once, step by step; each answer then takes time as the buyers of what its account buys. */
export function* makeWhiteSpaces(model: SignalModel, items: Catalogue): Steps<WhiteSpaces> {
  const { history, rhythms } = model;
  const { customers, indptr, item: itemOf } = history;
  const names = [...new Set((items.categories ?? []).filter((name) => name !== null))].sort();
  const ids = new Map(names.map((name, id) => [name, id]));
  const categoryOf = Int32Array.from(
    { length: history.items },
    (_, i) => ids.get(items.categories?.[i] ?? '') ?? -1,
  );
  yield;
  // What was bought once tells less of what an account does.
  const weight = Float32Array.from(rhythms.waits, (waits) => (waits > 0 ? 1 : 0.4));
  yield;
  const holders = transpose({ rows: customers, columns: history.items, indptr, index: itemOf, weight });
  yield;
  const rarity = Float32Array.from(history.buyers, (n) =>
    n > 0 && n <= MOST_BUYERS ? Math.log((customers + 1) / n) : 0,
  );
  const norms = new Float64Array(customers);
  /** How many accounts buy in each category. */
  const base = new Float64Array(names.length);
  let buyersAtAll = 0;
  const uses = new Float64Array(names.length);
  for (let c = 0; c < customers; c++) {
    let sum = 0;
    for (let p = indptr[c]!; p < indptr[c + 1]!; p++) {
      sum += (rarity[itemOf[p]!]! * (rhythms.waits[p]! > 0 ? 1 : 0.4)) ** 2;
      const g = categoryOf[itemOf[p]!]!;
      if (g < 0) continue;
      const before = uses[g]!;
      uses[g] = before + rhythms.waits[p]! + 1;
      if (before < USES && uses[g] >= USES) base[g]!++;
    }
    for (let p = indptr[c]!; p < indptr[c + 1]!; p++)
      if (categoryOf[itemOf[p]!]! >= 0) uses[categoryOf[itemOf[p]!]!] = 0;
    norms[c] = Math.sqrt(sum);
    if (sum > 0) buyersAtAll++;
    if ((c & 0xff) === 0xff) yield;
  }
  const sums = new Float64Array(customers);
  const touched = new Int32Array(customers);

  /** By category: days of use over its items, money, and its items. */
  function spent(c: number): Map<number, { uses: number; value: number; items: number[] }> {
    const found = new Map<number, { uses: number; value: number; items: number[] }>();
    for (let p = indptr[c]!; p < indptr[c + 1]!; p++) {
      const g = categoryOf[itemOf[p]!]!;
      if (g < 0) continue;
      const sum = found.get(g) ?? { uses: 0, value: 0, items: [] };
      sum.uses += rhythms.waits[p]! + 1;
      sum.value += rhythms.value[p]!;
      sum.items.push(itemOf[p]!);
      found.set(g, sum);
    }
    return found;
  }

  /** The accounts most like `customer` in what they buy, the likest first. */
  function similarTo(customer: number): number[] {
    let count = 0;
    for (let p = indptr[customer]!; p < indptr[customer + 1]!; p++) {
      const item = itemOf[p]!;
      const share = weight[p]! * rarity[item]! * rarity[item]!;
      if (share === 0) continue;
      for (let q = holders.indptr[item]!; q < holders.indptr[item + 1]!; q++) {
        const other = holders.index[q]!;
        if (sums[other] === 0) touched[count++] = other;
        sums[other]! += share * holders.weight[q]!;
      }
    }
    sums[customer] = 0;
    const best = likest(touched, count, (c) => sums[c]! / norms[c]!);
    for (let n = 0; n < count; n++) sums[touched[n]!] = 0;
    return best;
  }

  return {
    of(customer, limit) {
      if (names.length === 0 || indptr[customer + 1]! - indptr[customer]! < LEAST_ITEMS) return [];
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

/** Of the first `count` of `among`, the SIMILAR with the highest scores above 0, the highest first, of equal ones the lowest. */
function likest(among: Int32Array, count: number, scoreOf: (c: number) => number): number[] {
  const best: number[] = [];
  const scores: number[] = [];
  for (let n = 0; n < count; n++) {
    const c = among[n]!;
    const score = scoreOf(c);
    if (!(score > 0)) continue;
    if (best.length === SIMILAR && !precedes(score, c, scores.at(-1)!, best.at(-1)!)) continue;
    let at = best.length === SIMILAR ? SIMILAR - 1 : best.length;
    while (at > 0 && precedes(score, c, scores[at - 1]!, best[at - 1]!)) {
      best[at] = best[at - 1]!;
      scores[at] = scores[at - 1]!;
      at--;
    }
    best[at] = c;
    scores[at] = score;
  }
  return best;
}

const precedes = (score: number, c: number, other: number, d: number) =>
  score > other || (score === other && c < d);

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
