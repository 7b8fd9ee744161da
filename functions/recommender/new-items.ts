import type { Model, Vectors } from './algorithm.ts';
import { bitsWhere, hasBit, type Bits } from './bits.ts';
import { CONTENT_DEFAULTS, fitContent, toldFactors } from './content.ts';
import { profileOf, type Catalogue, type History, type Interactions, type Profile } from './data.ts';
import type { DerivedCase } from './derived.ts';
import { topByScores, type Scored } from './kernels/scan.ts';
import type { Pool } from './kernels/pool.ts';

/**
 * Items of the catalogue that nobody has bought yet. No model of purchases knows them; a model with vectors gets theirs from
 * what they are called and where they belong (content.ts), so that its own query of a customer ranks them too.
 */
export interface NewItems {
  /** Their ids, ascending. */
  readonly items: Int32Array;
  /** items.length × vectors.d, row-major; all zero where nothing of an item was known. */
  readonly factors: Float32Array;
  /** The model that they were completed for. */
  readonly vectors: Vectors;
}

/** The items that nobody bought, ascending. */
export const unsoldItems = ({ buyers }: Pick<History, 'buyers'>): Int32Array =>
  Int32Array.from(buyers.keys()).filter((item) => buyers[item] === 0);

/** The new items of `history` for a model fitted on it; null where it has no vectors or there are no new items. */
export async function completeNewItems(
  model: Pick<Model, 'vectors'>,
  history: History,
  catalogue: Catalogue,
  tools: { readonly pool: Pool; readonly signal?: AbortSignal },
): Promise<NewItems | null> {
  const items = unsoldItems(history);
  const { vectors } = model;
  if (vectors === undefined || items.length === 0) return null;
  const tower = await fitContent(vectors, catalogue, history.buyers, CONTENT_DEFAULTS, tools);
  return { items, factors: toldFactors(tower, catalogue, items), vectors };
}

/**
 * The first `k` new items for `profile` by positive score, equals by ascending id.
 * @param allowed what else is asked of them; all where not given
 * @param weights a factor ≥ 0 per item of the catalogue
 */
export function rankNewItems(
  { items, factors, vectors }: NewItems,
  profile: Profile,
  k: number,
  allowed?: Bits,
  weights?: Float32Array,
): Scored[] {
  const places = bitsWhere(items.length, (n) => allowed === undefined || hasBit(allowed, items[n]!));
  const own = weights && Float32Array.from(items, (item) => weights[item]!);
  return topByScores(factors, vectors.query(profile), k, places, own).map(({ item, score }) => ({
    item: items[item]!,
    score,
  }));
}

/** The baseline's order of the new items: those of categories that the customer has bought most often, then most bought by all. */
export function makeOwnCategories(
  history: History,
  { categories }: Catalogue,
): (profile: Profile, k: number) => number[] {
  const items = unsoldItems(history);
  const overall = new Map<string, number>();
  const addTo = (counts: Map<string, number>, item: number, count: number) => {
    const category = categories?.[item] ?? null;
    if (category !== null) counts.set(category, (counts.get(category) ?? 0) + count);
  };
  history.buyers.forEach((buyers, item) => addTo(overall, item, buyers));
  return (profile, k) => {
    const own = new Map<string, number>();
    profile.items.forEach((item, n) => addTo(own, item, profile.count[n]!));
    const of = (counts: Map<string, number>, item: number) => counts.get(categories?.[item] ?? '') ?? 0;
    return Array.from(items)
      .sort((a, b) => of(own, b) - of(own, a) || of(overall, b) - of(overall, a) || a - b)
      .slice(0, k);
  };
}

/**
 * Who bought what of the items that nobody had bought before `from` (milliseconds), ascending: `given` is a customer that
 * `before` knows by purchases, its targets the new items that it bought.
 */
export function newItemCases(lines: Interactions, before: History, from: number): DerivedCase<number>[] {
  const bought = new Map<number, Set<number>>();
  for (let n = 0; n < lines.item.length; n++) {
    const [customer, item] = [lines.customer[n]!, lines.item[n]!];
    if (!(lines.time[n]! >= from) || !(lines.quantity[n]! > 0) || before.buyers[item] !== 0) continue;
    if (!(before.indptr[customer]! < before.indptr[customer + 1]!)) continue;
    bought.set(customer, (bought.get(customer) ?? new Set()).add(item));
  }
  return [...bought]
    .toSorted(([a], [b]) => a - b)
    .map(([given, items]) => ({ given, targets: Int32Array.from(items).sort() }));
}

/** An order of new items as a lister of such cases. */
export const newItemLister =
  (before: History, list: (profile: Profile, k: number) => readonly number[]) =>
  (customer: number, k: number) =>
    list(profileOf(before, customer), k);
