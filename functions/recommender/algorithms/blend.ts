import { z } from 'zod';
import { AlgorithmName } from '#core/slot';
import type { Algorithm, Model } from '../algorithm.ts';
import type { SectionReader } from '../artifact.ts';
import type { Profile } from '../data.ts';
import { scoreRows } from '../score-rows.ts';

/** Another algorithm's setting, and how loud it is. */
const Part = z.strictObject({
  algorithm: AlgorithmName.exclude(['blend']),
  options: z.record(z.string(), z.unknown()).default({}),
  weight: z.number().positive().max(1000),
});

const Options = z.strictObject({
  parts: z
    .array(Part)
    .min(1)
    .max(4)
    .default([
      { algorithm: 'item-neighbours', options: {}, weight: 1 },
      { algorithm: 'popularity', options: {}, weight: 0.1 },
    ]),
});
export type BlendOptions = z.output<typeof Options>;

type Parts = Readonly<Record<Exclude<AlgorithmName, 'blend'>, Algorithm<Record<string, unknown>>>>;

/** A fitted part. */
export interface BlendPart {
  readonly model: Model;
  readonly weight: number;
}

/**
 * A weighted sum of other models' scores, each divided by the spread (standard deviation over all items) that it has for
 * the profile at hand: what is loud for one customer is not loud for all. The search learns the weights on the
 * validation window (blend-search.ts); without it the first trial is a plain mixture. `parts` are the algorithms it may
 * be made of.
 */
export function blendOf(parts: Parts): Algorithm<BlendOptions> {
  const parsed = ({ algorithm, options, weight }: BlendOptions['parts'][number]) => ({
    algorithm,
    options: parts[algorithm].options.parse(options),
    weight,
  });
  return {
    name: 'blend',
    title: 'Blend',
    effort: 'heavy',
    slots: ['reorder', 'discover'],
    // The parts' own options too: a setting of before that one of them no longer takes is said to be none, not run into.
    options: Options.superRefine(({ parts: list }, context) =>
      list.forEach(({ algorithm, options }, n) => {
        const { error } = parts[algorithm].options.safeParse(options);
        if (error)
          context.addIssue({ code: 'custom', path: ['parts', n, 'options'], message: error.message });
      }),
    ),
    trials: () => [Options.parse({})],
    fit: async (history, options, context) => {
      const fitted: BlendPart[] = [];
      for (const part of options.parts) {
        const { algorithm, options: own, weight } = parsed(part);
        fitted.push({ model: await parts[algorithm].fit(history, own, context), weight });
        context.onProgress?.(fitted.length / options.parts.length);
      }
      return blendModel(fitted, options, history.items);
    },
    load: (reader: SectionReader, items: number) => {
      const options = reader.value('options', Options);
      const loaded = options.parts.map(({ algorithm, weight }, n) => ({
        model: parts[algorithm].load(reader.scope(`part/${n}`), items),
        weight,
      }));
      return blendModel(loaded, options, items);
    },
  };
}

/** The model over fitted parts, in the order of `options.parts`; each part's weight is its own. */
export function blendModel(parts: readonly BlendPart[], options: BlendOptions, items: number): Model {
  const scratch = new Float32Array(items);
  const score = (profile: Profile, scores: Float32Array) => {
    scores.fill(0);
    for (const { model, weight } of parts) {
      model.score(profile, scratch);
      const share = weight * inverseSpread(scratch);
      if (share > 0) for (let item = 0; item < items; item++) scores[item]! += share * scratch[item]!;
    }
  };
  const together = parts.some(({ model }) => model.scoreMany !== undefined);
  const scoreMany = (profiles: readonly Profile[], scores: Float32Array) => {
    const rows = new Float32Array(profiles.length * items);
    scores.fill(0, 0, rows.length);
    for (const { model, weight } of parts) {
      scoreRows(model, profiles, rows);
      for (let from = 0; from < rows.length; from += items) {
        const share = weight * inverseSpread(rows.subarray(from, from + items));
        if (share > 0) for (let n = from; n < from + items; n++) scores[n]! += share * rows[n]!;
      }
    }
  };
  // Sums of the parts' contributions: exact wherever each part's are.
  const all = parts.every(({ model }) => model.contributions !== undefined);
  // Reasons are asked for item after item of one profile, and its spreads take a score of everything.
  let latest: { profile: Profile; shares: readonly number[] } | null = null;
  const sharesOf = (profile: Profile) =>
    parts.map(({ model, weight }) => {
      model.score(profile, scratch);
      return weight * inverseSpread(scratch);
    });
  const contributions = (profile: Profile, item: number) => {
    if (latest?.profile !== profile) latest = { profile, shares: sharesOf(profile) };
    const { shares } = latest;
    const sums = new Float32Array(profile.items.length);
    parts.forEach(({ model }, part) =>
      model.contributions!(profile, item).forEach((value, n) => (sums[n]! += shares[part]! * value)),
    );
    return sums;
  };
  return {
    score,
    ...(together ? { scoreMany } : {}),
    ...(all ? { contributions } : {}),
    save: (writer) => {
      writer.value('options', options);
      parts.forEach(({ model }, n) => model.save(writer.scope(`part/${n}`)));
    },
  };
}

/** 1 / the standard deviation of `scores`; 0 where they are all the same, which says nothing. */
export function inverseSpread(scores: Float32Array): number {
  let [sum, squares] = [0, 0];
  for (let n = 0; n < scores.length; n++) {
    const score = scores[n]!;
    sum += score;
    squares += score * score;
  }
  const mean = sum / scores.length;
  const variance = squares / scores.length - mean * mean;
  // Rounding leaves a little where all scores are equal.
  return variance > 1e-12 * (mean * mean) ? 1 / Math.sqrt(variance) : 0;
}
