import { z } from 'zod';
import type { Algorithm, FitContext, Model } from '../algorithm.ts';
import type { SectionReader } from '../artifact.ts';
import { recencyWeight, toSparse, type History, type Profile } from '../data.ts';
import { randomItems, trainAls, type AlsState } from '../kernels/als.ts';
import type { Solver } from '../kernels/als-rows.ts';
import { makeContributions } from '../kernels/fold-contributions.ts';
import { foldIn, makeScorer, type FoldSide } from '../kernels/fold-in.ts';
import { makePairs, type Pairs } from '../kernels/pairs.ts';
import { requireLength } from '../shape.ts';
import { ialsTrials, longerFactors } from './ials-trials.ts';

const Options = z.strictObject({
  /** Length of the factors. */
  factors: z.int().min(2).max(512).default(64),
  /** Weight of what was not bought, against 1 for what was. Goes together with density: a bad pair loses most of the quality. */
  unobservedWeight: z.number().min(1e-4).max(10).default(0.1),
  regularization: z.number().min(1e-6).max(1).default(0.005),
  epochs: z.int().min(1).max(100).default(10),
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
  /** exact: every row's system is solved; cg: `cgSteps` steps towards that; ials++: block after block of `blockSize` factors. */
  solver: z.enum(['exact', 'cg', 'ials++']).default('exact'),
  cgSteps: z.int().min(1).max(50).default(3),
  blockSize: z.int().min(8).max(256).multipleOf(8).default(32),
});
type Options = z.output<typeof Options>;

/** Numbers a factor takes in memory: kernels work on multiples of 8. The surplus stays zero, or nearly so. */
const paddedTo8 = (factors: number) => Math.ceil(factors / 8) * 8;

const solvers: Readonly<Record<Options['solver'], (options: Options) => Solver>> = {
  exact: () => ({ name: 'exact' }),
  cg: ({ cgSteps }) => ({ name: 'cg', steps: cgSteps }),
  'ials++': ({ blockSize }) => ({ name: 'ials++', blockSize }),
};

/** What each fitted model can be trained on from. */
const states = new WeakMap<Model, AlsState>();

/**
 * Implicit alternating least squares. Only item factors are kept: a customer's factor is one fold-in of its profile, exactly
 * what the exact solver gives its row. Sources: Hu, Koren, Volinsky 2008; Rendle et al. 2021 and 2022; kernels/als.ts.
 */
export const ials: Algorithm<Options> = {
  name: 'ials',
  title: 'Implicit ALS',
  effort: 'heavy',
  slots: ['discover'],
  options: Options,
  trials: ialsTrials,
  further: longerFactors,
  fit: (history, options, context) => {
    const d = paddedTo8(options.factors);
    const items = randomItems(history.items, d, options.factors, context.random);
    return train(history, options, options.epochs, { items }, context);
  },
  reduced: (options, share) => ({ ...options, epochs: Math.max(2, Math.ceil(options.epochs * share)) }),
  // An epoch's systems, and what does not grow with the square of the factors.
  seconds: ({ factors, epochs }, { customers, items, pairs }) =>
    epochs * factors * (1.4e-11 * pairs * factors + 1.5e-11 * (customers + items) * factors + 1e-9 * pairs),
  refit: async (fitted, former, options, history, context) => {
    const state = states.get(fitted);
    const more = options.epochs - former.epochs;
    const same = JSON.stringify({ ...former, epochs: 0 }) === JSON.stringify({ ...options, epochs: 0 });
    // The other solvers begin each call with an exact solve, so going on would not give what a fresh fit does.
    if (!state || !same || more < 0 || options.solver !== 'exact') return null;
    return train(history, options, more, state, context);
  },
  load: (reader: SectionReader, items: number) => {
    const [spectrum, factors] = [reader.f32('spectrum'), reader.f32('items')];
    const options = reader.value('options', Options);
    const d = paddedTo8(options.factors);
    requireLength('implicit ALS, its item factors', factors, items * d);
    requireLength('implicit ALS, its spectrum', spectrum, d);
    return model({ items: factors, spectrum }, options, reader.value('asOf', z.number()));
  },
};

async function train(
  history: History,
  options: Options,
  epochs: number,
  from: Pick<AlsState, 'items'> & Partial<AlsState>,
  { pool, signal, onProgress }: FitContext,
): Promise<Model> {
  const { unobservedWeight, regularization } = options;
  const solver = solvers[options.solver](options);
  const settings = { d: paddedTo8(options.factors), unobservedWeight, regularization, solver, epochs };
  const state = await trainAls(pairsOf(history, options.halfLifeDays), settings, from, {
    pool,
    ...(signal ? { signal } : {}),
    ...(onProgress ? { onProgress: (done: number) => onProgress(done / Math.max(1, epochs)) } : {}),
  });
  return model(state, options, history.asOf);
}

function pairsOf(history: History, halfLifeDays: number | null): Pairs {
  const purchases = toSparse(history, halfLifeDays);
  return makePairs(halfLifeDays === null ? { ...purchases, weight: null } : purchases);
}

function model(state: AlsState, options: Options, asOf: number): Model {
  const { items, spectrum } = state;
  const d = spectrum.length;
  const { regularization, unobservedWeight, halfLifeDays } = options;
  const unobserved = (unobservedWeight * items.length) / d;
  const side: FoldSide = { d, factors: items, spectrum, regularization, unobserved };
  const norms = lengthsOf(items, d);
  // Items that took no part in training have no factor, and must not count as evidence either.
  const weightsOf = (profile: Profile) =>
    Float32Array.from(profile.last, (last, n) =>
      norms[profile.items[n]!] === 0 ? 0 : recencyWeight(asOf - last, halfLifeDays),
    );
  const query = (profile: Profile) => foldIn(side, profile.items, weightsOf(profile));
  const scorer = makeScorer(items, d);
  // Reasons are asked for item after item of one profile.
  let latest: { profile: Profile; of: (item: number) => Float32Array } | null = null;
  const made: Model = {
    score: (profile, scores) => scorer(query(profile), scores),
    vectors: { d, factors: items, query },
    similar: (item, scores) => {
      scorer(items.subarray(item * d, (item + 1) * d), scores);
      const length = norms[item]!;
      for (let other = 0; other < scores.length; other++)
        scores[other] =
          other === item || length === 0 || norms[other] === 0
            ? 0
            : scores[other]! / (length * norms[other]!);
    },
    contributions: (profile, item) => {
      if (latest?.profile !== profile)
        latest = { profile, of: makeContributions(side, profile.items, weightsOf(profile)) };
      return latest.of(item);
    },
    save: (writer) => {
      writer.array('spectrum', spectrum);
      writer.array('items', items);
      writer.value('options', options);
      writer.value('asOf', asOf);
    },
  };
  states.set(made, state);
  return made;
}

/** The length of each row. */
function lengthsOf(rows: Float32Array, d: number): Float64Array {
  return Float64Array.from({ length: rows.length / d }, (_, row) => {
    let sum = 0;
    for (let k = row * d; k < (row + 1) * d; k++) sum += rows[k]! ** 2;
    return Math.sqrt(sum);
  });
}
