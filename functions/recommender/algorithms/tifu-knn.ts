import { z } from 'zod';
import type { Algorithm, Model } from '../algorithm.ts';
import type { SectionReader } from '../artifact.ts';
import { profileOf, transpose, type History, type Profile, type Sparse } from '../data.ts';
import { requireLength, requireRows } from '../shape.ts';
import { makeSmallest } from '../smallest.ts';

const Options = z.strictObject({
  /** Customers alike that are asked. */
  neighbours: z.int().min(1).max(2000).default(300),
  /** How much the customer's own habit counts against the neighbours', 0 … 1. */
  own: z.number().min(0).max(1).default(0.7),
  /** A purchase counts half for every so many days of age; null: always 1. */
  halfLifeDays: z.number().min(1).max(3650).nullable().default(90),
});
type Options = z.output<typeof Options>;

/**
 * Personal item frequency with decay, of the customer and of the customers most like it. Source: Hu, He, Gao, Zhang,
 * "Modeling Personalized Item Frequency Information for Next-basket Recommendation", SIGIR 2020. Two things differ. A
 * profile knows the first and last purchase of an item and how many there were, not each basket: purchases are taken as
 * spread evenly, and fade by days rather than by baskets and groups of baskets. And a customer is divided by its most
 * frequent item's value, so that customers of few and of many orders can be alike. A neighbour with the very same
 * numbers is the customer itself and says nothing.
 */
export const tifuKnn: Algorithm<Options> = {
  name: 'tifu-knn',
  title: 'Habits of customers alike (TIFU-KNN)',
  effort: 'heavy',
  slots: ['reorder', 'discover'],
  options: Options,
  trials: ({ halfLifeDays }) => {
    const base = { neighbours: 300, own: 0.7, halfLifeDays };
    return [
      base,
      { ...base, own: 0.9, neighbours: 100 },
      ...(halfLifeDays === null ? [] : [{ ...base, halfLifeDays: null }]),
      { ...base, own: 0.5 },
    ];
  },
  fit: async (history, options) => {
    const weight = new Float32Array(history.item.length);
    for (let c = 0; c < history.customers; c++)
      weight.set(habit(profileOf(history, c), history.asOf, options.halfLifeDays), history.indptr[c]);
    return model({ ...sparseOf(history), weight }, options, history.asOf);
  },
  load: (reader: SectionReader, items: number) => {
    const indptr = reader.i32('indptr');
    const matrix = {
      rows: Math.max(0, indptr.length - 1),
      columns: items,
      indptr,
      index: reader.i32('index'),
      weight: reader.f32('weight'),
    };
    requireRows('TIFU-KNN, its customers', matrix, matrix.rows, items);
    requireLength('TIFU-KNN, its weights', matrix.weight, matrix.index.length);
    return model(matrix, reader.value('options', Options), reader.value('asOf', z.number()));
  },
  // Neighbours and shares are looked at when a profile is scored, so only another decay needs another fit.
  refit: async (fitted, former, options) =>
    former.halfLifeDays === options.halfLifeDays && isTifu(fitted)
      ? model(fitted.customers, options, fitted.asOf)
      : null,
};

interface TifuModel extends Model {
  readonly customers: Sparse;
  readonly asOf: number;
}

const isTifu = (fitted: Model): fitted is TifuModel => 'customers' in fitted && 'asOf' in fitted;

const sparseOf = ({ customers, items, indptr, item }: History) => ({
  rows: customers,
  columns: items,
  indptr,
  index: item,
});

/** The decayed count of each item of `profile`, divided by the largest. Purchases lie evenly between first and last. */
function habit(profile: Profile, asOf: number, halfLifeDays: number | null): Float32Array {
  const values = Float32Array.from(profile.count);
  if (halfLifeDays !== null)
    for (let n = 0; n < values.length; n++) {
      const times = Math.max(1, Math.round(profile.count[n]!));
      const span = profile.last[n]! - profile.first[n]!;
      const last = 2 ** (-Math.max(0, asOf - profile.last[n]!) / halfLifeDays);
      // A geometric series, so that a thousand purchases cost what two do.
      const step = times < 2 ? 0 : 2 ** (-span / (times - 1) / halfLifeDays);
      values[n] = last * (step >= 1 ? times : (1 - step ** times) / (1 - step));
    }
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  // What was bought is never quite forgotten: 0 would mean "no opinion".
  return values.map((value) => Math.max(1e-6, most > 0 ? value / most : 0));
}

function model(customers: Sparse, options: Options, asOf: number): TifuModel {
  const byItem = transpose(customers);
  const squares = new Float64Array(customers.rows);
  for (let c = 0; c < customers.rows; c++)
    for (let p = customers.indptr[c]!; p < customers.indptr[c + 1]!; p++)
      squares[c]! += customers.weight[p]! ** 2;
  const products = new Float64Array(customers.rows);
  const touched = new Int32Array(customers.rows);
  const closest = makeSmallest(options.neighbours);
  return {
    customers,
    asOf,
    score: (profile, scores) => {
      scores.fill(0);
      const own = habit(profile, asOf, options.halfLifeDays);
      const near = nearest(profile.items, own);
      const share = near.length === 0 ? 0 : (1 - options.own) / near.length;
      for (const c of near)
        for (let p = customers.indptr[c]!; p < customers.indptr[c + 1]!; p++)
          scores[customers.index[p]!]! += share * customers.weight[p]!;
      for (let n = 0; n < own.length; n++) scores[profile.items[n]!]! += options.own * own[n]!;
    },
    save: (writer) => {
      writer.array('indptr', customers.indptr);
      writer.array('index', customers.index);
      writer.array('weight', customers.weight);
      writer.value('options', options);
      writer.value('asOf', asOf);
    },
  };

  /** The customers at the smallest Euclidean distance that share an item with the profile; of equals the smaller id. */
  function nearest(items: Int32Array, values: Float32Array): number[] {
    let count = 0;
    let square = 0;
    for (let n = 0; n < items.length; n++) {
      square += values[n]! ** 2;
      for (let p = byItem.indptr[items[n]!]!; p < byItem.indptr[items[n]! + 1]!; p++) {
        const c = byItem.index[p]!;
        if (products[c] === 0) touched[count++] = c;
        products[c]! += values[n]! * byItem.weight[p]!;
      }
    }
    for (let n = 0; n < count; n++) {
      const c = touched[n]!;
      const distance = square + squares[c]! - 2 * products[c]!;
      products[c] = 0;
      if (distance > 1e-9) closest.offer(c, distance);
    }
    return closest.take();
  }
}
