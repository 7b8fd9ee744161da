import { newestItems, recencyWeight, type Catalogue, type History } from '../data.ts';
import { featureRows, placeFeatures, type FeatureRows } from '../item-features.ts';
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
  /** By purchase 1 where it is among the newest, which nothing is learned from. */
  readonly isWatched: Uint8Array;
  /** What the items are called and where they belong. */
  readonly features: FeatureRows;
  /** By customer the number of its segment, -1 where it has none; and how many there are. */
  readonly segment: Int32Array;
  readonly segments: number;
  /** By item the purchases to learn from. */
  readonly sold: Int32Array;
}

/**
 * The purchases of `history`, of each customer the `most` newest items. A share `watched` of them, those that were first
 * bought last (of equal days a random part), is only watched. `known`: what is known of the items, which is learned from with
 * the customers' segments; null: from neither.
 */
export function makeExamples(
  history: History,
  known: Partial<Catalogue> | null,
  options: {
    readonly most: number;
    readonly watched: number;
    readonly halfLifeDays: number | null;
    /** Places for words of the items' names. */
    readonly words: number;
  },
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
  const isWatched = new Uint8Array(pairs);
  for (const p of order.slice(learned)) isWatched[p] = 1;
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
    isWatched,
    watch: order.slice(learned).filter((p) => sold[kept.item[p]!]! > 0),
    features: featureRows(
      known ?? {},
      history.items,
      known
        ? placeFeatures(
            known,
            [...sold.keys()].filter((item) => sold[item]! > 0),
            options.words,
          )
        : null,
    ),
    segment: (known && history.segment) ?? new Int32Array(history.customers).fill(-1),
    segments: known && history.segment ? (history.segments ?? []).length : 0,
    sold,
  };
}
