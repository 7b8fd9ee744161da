import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import type { SectionReader, SectionWriter } from '../artifact.ts';
import { recencyWeight } from '../data.ts';
import { requireLength } from '../shape.ts';

const Options = z.strictObject({
  /** A buyer counts half for every so many days since the last purchase; null: every buyer counts the same. */
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
});
type Options = z.output<typeof Options>;

/** What most customers bought: the baseline of discovery, and the answer for strangers. */
export const popularity: Algorithm<Options> = {
  name: 'popularity',
  title: 'Popularity',
  effort: 'light',
  slots: ['reorder', 'discover'],
  options: Options,
  trials: (config) => [
    { halfLifeDays: null },
    ...(config.halfLifeDays === null
      ? []
      : [{ halfLifeDays: config.halfLifeDays }, { halfLifeDays: Math.max(1, config.halfLifeDays / 4) }]),
  ],
  fit: async (history, { halfLifeDays }) => {
    const buyers = new Float32Array(history.items);
    for (let p = 0; p < history.item.length; p++)
      buyers[history.item[p]!]! += recencyWeight(history.asOf - history.last[p]!, halfLifeDays);
    return model(buyers);
  },
  load: (reader: SectionReader, items: number) => {
    const buyers = reader.f32('buyers');
    requireLength('popularity', buyers, items);
    return model(buyers);
  },
};

function model(buyers: Float32Array) {
  return {
    score: (_profile: unknown, scores: Float32Array) => scores.set(buyers),
    save: (writer: SectionWriter) => writer.array('buyers', buyers),
  };
}
