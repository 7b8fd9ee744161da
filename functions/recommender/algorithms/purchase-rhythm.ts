import { z } from 'zod';
import type { Algorithm, Model } from '../algorithm.ts';
import type { SectionReader } from '../artifact.ts';
import { recencyWeight, type History } from '../data.ts';
import { requireLength } from '../shape.ts';

const Options = z.strictObject({
  /** Purchases that everybody is assumed to have made before the first: pulls rates of short histories together. */
  priorCount: z.number().min(0.01).max(20).default(0.5),
  /** Days those took. */
  priorDays: z.number().min(1).max(1000).default(60),
  /** How readily a silent pair is taken for ended, 0 … 5; 0: never. */
  dropout: z.number().min(0).max(5).default(0.05),
  /** How much an item that is due (its usual interval has passed) is raised, 0 … 5; 0: timing plays no part. */
  due: z.number().min(0).max(5).default(0.5),
  /** How much an item is raised that many customers are buying just now, 0 … 3; 0: others play no part. */
  trend: z.number().min(0).max(3).default(0),
});
type Options = z.output<typeof Options>;

/**
 * How soon this customer will buy this item again: a rate of purchase, the chance that the habit is still alive, and
 * whether it is due. The first two are the MBG/NBD model (Batislam, Denizel, Filiztekin, 2007) for one (customer, item)
 * pair with x repeats, the last t days after the first, seen for T days:
 *
 *   rate  = (r + x) / (α + T)
 *   alive = 1 / (1 + dropout/(x+1) · ((α + T)/(α + t))^(r + x))
 *
 * What others buy just now says something too where seasons rule: recent popularity, to a small power, as a factor.
 */
export const purchaseRhythm: Algorithm<Options> = {
  name: 'purchase-rhythm',
  title: 'Rhythm of the customer',
  effort: 'light',
  slots: ['reorder'],
  options: Options,
  trials: () => {
    const base = { priorCount: 0.5, priorDays: 60, dropout: 0.05, due: 0.5, trend: 0 };
    return [
      base,
      { ...base, trend: 0.5 },
      { priorCount: 0.25, priorDays: 90, dropout: 0.02, due: 1.5, trend: 0 },
      { ...base, trend: 0.25 },
      { ...base, dropout: 0.3, due: 0 },
      { ...base, trend: 0.75 },
      { ...base, priorCount: 1, priorDays: 120, due: 0 },
      { ...base, priorCount: 0.25, priorDays: 365, due: 0.3 },
    ];
  },
  fit: async (history, options) => model(itemLift(history, options.trend), options, history.asOf),
  load: (reader: SectionReader, items: number) => {
    const lift = reader.f32('lift');
    requireLength('purchase-rhythm', lift, items);
    return model(lift, reader.value('options', Options), reader.value('asOf', z.number()));
  },
};

/** A buyer counts half for the trend for every so many days since the last purchase. */
const TREND_DAYS = 30;

/** What an item's pairs are multiplied by: (1 + recent buyers)^trend, and a little for popularity, which orders equals. */
function itemLift(history: History, trend: number): Float32Array {
  const recent = new Float64Array(history.items);
  for (let p = 0; p < history.item.length; p++)
    recent[history.item[p]!]! += recencyWeight(history.asOf - history.last[p]!, TREND_DAYS);
  const most = history.buyers.reduce((a, b) => Math.max(a, b), 1);
  return Float32Array.from(
    history.buyers,
    (buyers, item) => (1 + (1e-3 * buyers) / most) * (1 + recent[item]!) ** trend,
  );
}

/** The score of one pair; days. Exported for its test. */
export function rhythmScore(repeats: number, lastAfter: number, seen: number, options: Options): number {
  const { priorCount: r, priorDays: alpha, dropout, due } = options;
  const rate = (r + repeats) / (alpha + seen);
  // In logarithms: the power overflows for frequent buyers gone silent.
  const silence = (r + repeats) * (Math.log(alpha + seen) - Math.log(alpha + lastAfter));
  const alive = 1 / (1 + (dropout / (repeats + 1)) * Math.exp(Math.min(silence, 700)));
  return rate * alive * (1 + due * dueness(repeats, lastAfter, seen - lastAfter));
}

/** 1 when exactly one usual interval has passed since the last purchase, falling off to both sides; 0 with fewer than 2 repeats. */
function dueness(repeats: number, lastAfter: number, silent: number): number {
  if (repeats < 2 || lastAfter <= 0) return 0;
  const phase = silent / (lastAfter / repeats);
  return Math.exp(-0.5 * ((phase - 1) / 0.4) ** 2);
}

function model(lift: Float32Array, options: Options, asOf: number): Model {
  return {
    score: (profile, scores) => {
      scores.fill(0);
      for (let n = 0; n < profile.items.length; n++) {
        const item = profile.items[n]!;
        const first = profile.first[n]!;
        const pair = rhythmScore(
          profile.count[n]! - 1,
          profile.last[n]! - first,
          Math.max(0, asOf - first),
          options,
        );
        // Never zero, which would mean "no opinion".
        scores[item] = Math.max(pair, 1e-12) * lift[item]!;
      }
    },
    save: (writer) => {
      writer.array('lift', lift);
      writer.value('options', options);
      writer.value('asOf', asOf);
    },
  };
}
