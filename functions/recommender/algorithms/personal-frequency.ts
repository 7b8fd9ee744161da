import { z } from 'zod';
import type { Algorithm, Model } from '../algorithm.ts';
import type { SectionReader } from '../artifact.ts';
import { recencyWeight } from '../data.ts';
import { requireLength } from '../shape.ts';

const Options = z.strictObject({
  /** The count of an item halves for every so many days since it was last bought; null: it never fades. */
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
});
type Options = z.output<typeof Options>;

/**
 * What this customer bought most often; equal counts by popularity. The baseline of re-ordering, and hard to beat:
 * see Li et al., "A Next Basket Recommendation Reality Check", TOIS 2023.
 */
export const personalFrequency: Algorithm<Options> = {
  name: 'personal-frequency',
  title: 'Most frequent items of the customer',
  effort: 'light',
  slots: ['reorder'],
  options: Options,
  trials: (config) => [
    { halfLifeDays: null },
    ...(config.halfLifeDays === null
      ? []
      : [2, 1, 0.5, 0.25].map((share) => ({ halfLifeDays: Math.max(1, config.halfLifeDays! * share) }))),
  ],
  fit: async (history, { halfLifeDays }) => {
    const most = history.buyers.reduce((a, b) => Math.max(a, b), 1);
    // Below ½, so that popularity orders equal counts and never more.
    const tie = Float32Array.from(history.buyers, (buyers) => (0.49 * buyers) / most);
    return model(tie, halfLifeDays, history.asOf);
  },
  load: (reader: SectionReader, items: number) => {
    const { halfLifeDays, asOf } = reader.value('shape', Shape);
    const tie = reader.f32('tie');
    requireLength('personal-frequency', tie, items);
    return model(tie, halfLifeDays, asOf);
  },
};

const Shape = z.object({ halfLifeDays: z.number().nullable(), asOf: z.number() });

function model(tie: Float32Array, halfLifeDays: number | null, asOf: number): Model {
  return {
    score: (profile, scores) => {
      scores.fill(0);
      for (let n = 0; n < profile.items.length; n++) {
        const item = profile.items[n]!;
        const fade = recencyWeight(asOf - profile.last[n]!, halfLifeDays);
        scores[item] = (profile.count[n]! + (tie[item] ?? 0)) * fade;
      }
    },
    save: (writer) => {
      writer.array('tie', tie);
      writer.value('shape', { halfLifeDays, asOf });
    },
  };
}
