import { newestItems, recencyWeight, type Catalogue, type History } from '../data.ts';
import type { Random } from '../random.ts';

/** What the towers learn from. */
export interface Examples {
  readonly customers: number;
  readonly items: number;
  /** Rows of what a customer bought, newest few only: the items, ascending, and what each weighs by its age. */
  readonly indptr: Int32Array;
  readonly item: Int32Array;
  readonly weight: Float32Array;
  /** By purchase its customer. */
  readonly customerOf: Int32Array;
  /** Purchases to learn from and, the newest of all, to see when to stop. */
  readonly learn: Int32Array;
  readonly watch: Int32Array;
  /** By item the number of its category; -1 where it has none. */
  readonly category: Int32Array;
  readonly categories: number;
  /** By item the purchases to learn from. */
  readonly sold: Int32Array;
}

/**
 * The purchases of `history`, of each customer the `most` newest items. A share `watched` of them, those that were first
 * bought last (of equal days a random part), is only watched.
 */
export function makeExamples(
  history: History,
  catalogue: Catalogue | undefined,
  options: { readonly most: number; readonly watched: number; readonly halfLifeDays: number | null },
  random: Random,
): Examples {
  const kept = newestItems(history, options.most);
  const pairs = kept.item.length;
  const customerOf = new Int32Array(pairs);
  for (let c = 0; c < kept.customers; c++) customerOf.fill(c, kept.indptr[c], kept.indptr[c + 1]);
  const lot = Float64Array.from({ length: pairs }, () => random());
  const order = Int32Array.from({ length: pairs }, (_, p) => p).sort(
    (p, q) => kept.first[p]! - kept.first[q]! || lot[p]! - lot[q]!,
  );
  const learned = pairs - Math.floor(pairs * options.watched);
  const learn = order.slice(0, learned);
  const sold = new Int32Array(history.items);
  for (const p of learn) sold[kept.item[p]!]!++;
  return {
    customers: kept.customers,
    items: kept.items,
    indptr: kept.indptr,
    item: kept.item,
    weight:
      kept.last.length === 0
        ? new Float32Array()
        : Float32Array.from(kept.last, (last) => recencyWeight(kept.asOf - last, options.halfLifeDays)),
    customerOf,
    learn,
    watch: order.slice(learned).filter((p) => sold[kept.item[p]!]! > 0),
    ...categoriesOf(history.items, catalogue),
    sold,
  };
}

/** Categories by number, in the order in which items have them. */
function categoriesOf(items: number, catalogue: Catalogue | undefined) {
  const known = new Map<string, number>();
  const category = Int32Array.from({ length: items }, (_, item) => {
    const name = catalogue?.categories?.[item] ?? null;
    if (name === null) return -1;
    const number = known.get(name) ?? known.size;
    known.set(name, number);
    return number;
  });
  return { category, categories: known.size };
}
