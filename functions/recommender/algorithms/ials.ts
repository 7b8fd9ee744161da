import { z } from 'zod';
import type { Algorithm, FitContext, Model } from '../algorithm.ts';
import type { SectionReader } from '../artifact.ts';
import { recencyWeight, toSparse, transpose, type Sparse } from '../data.ts';
import { gramKernel, solveKernel } from '../kernels/ials-jobs.ts';
import { makeScratch, solveRow, type FixedSide } from '../kernels/ials-kernel.ts';
import { sharedCopy, sharedDoubles, sharedFloats, type Pool } from '../kernels/pool.ts';
import { gaussian } from '../random.ts';
import { requireLength } from '../shape.ts';

const Options = z.strictObject({
  /** Length of the factors. */
  factors: z.int().min(2).max(512).default(64),
  /** Weight of what was not bought, against 1 for what was. Goes together with density: a bad pair loses most of the quality. */
  unobservedWeight: z.number().min(1e-4).max(10).default(0.1),
  regularization: z.number().min(1e-6).max(1).default(0.005),
  epochs: z.int().min(1).max(100).default(10),
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
});
type Options = z.output<typeof Options>;

/** Parts in which the Gram matrix is summed: fixed, so that the number of threads does not change the sum. */
const GRAM_PARTS = 16;

/**
 * Implicit alternating least squares with exact solves. Only item factors are kept: a customer's factor is one fold-in
 * of its profile, exactly what training would give it. Source: kernels/ials-kernel.ts.
 */
export const ials: Algorithm<Options> = {
  name: 'ials',
  title: 'Implicit ALS',
  effort: 'heavy',
  slots: ['discover'],
  options: Options,
  trials: (config) => {
    const factors = { quick: [32], balanced: [64], thorough: [64, 128] }[config.preset];
    const epochs = { quick: 8, balanced: 10, thorough: 14 }[config.preset];
    const ages = config.halfLifeDays === null ? [null] : [null, config.halfLifeDays];
    const pairs = [
      [0.3, 0.005],
      [0.1, 0.005],
      [0.03, 0.005],
      [0.1, 0.01],
      [0.1, 0.002],
      [0.3, 0.01],
      [0.03, 0.01],
      [0.01, 0.005],
    ] as const;
    return pairs.flatMap(([unobservedWeight, regularization]) =>
      ages.flatMap((halfLifeDays) =>
        factors.map((d) => ({ factors: d, unobservedWeight, regularization, epochs, halfLifeDays })),
      ),
    );
  },
  reduced: (options, share) => ({ ...options, epochs: Math.max(2, Math.ceil(options.epochs * share)) }),
  fit: async (history, options, context) => {
    const purchases = toSparse(history, options.halfLifeDays);
    const items = await fitItemFactors(purchases, options, context);
    return model(await gramOf(items, history.items, options, context.pool), items, options, history.asOf);
  },
  load: (reader: SectionReader, items: number) => {
    const [gram, factors] = [reader.f64('gram'), reader.f32('items')];
    const options = reader.value('options', Options);
    requireLength('implicit ALS, its item factors', factors, items * options.factors);
    requireLength('implicit ALS, its Gram matrix', gram, options.factors ** 2);
    return model(gram, factors, options, reader.value('asOf', z.number()));
  },
};

async function fitItemFactors(
  purchases: Sparse,
  options: Options,
  context: FitContext,
): Promise<Float32Array> {
  const { factors: d, epochs } = options;
  const rows = shareSparse(purchases);
  const columns = shareSparse(transpose(purchases));
  const customers = sharedFloats(purchases.rows * d);
  const items = sharedFloats(purchases.columns * d);
  const scale = 0.1 / Math.sqrt(d);
  for (let n = 0; n < items.length; n++) items[n] = scale * gaussian(context.random);
  for (let epoch = 0; epoch < epochs; epoch++) {
    await solveSide(rows, items, customers, options, context.pool);
    context.signal?.throwIfAborted();
    await solveSide(columns, customers, items, options, context.pool);
    context.signal?.throwIfAborted();
    context.onProgress?.((epoch + 1) / epochs);
  }
  return items;
}

function shareSparse(matrix: Sparse): Sparse {
  const { indptr, index, weight } = matrix;
  return { ...matrix, indptr: sharedCopy(indptr), index: sharedCopy(index), weight: sharedCopy(weight) };
}

async function solveSide(
  matrix: Sparse,
  fixed: Float32Array,
  out: Float32Array,
  options: Options,
  pool: Pool,
): Promise<void> {
  const gram = await gramOf(fixed, matrix.columns, options, pool);
  const side = fixedSide(gram, fixed, options);
  const { indptr, index, weight } = matrix;
  await pool.run(solveKernel, { side, indptr, index, weight, out }, matrix.rows, 32);
}

/** α·YᵀY, upper half, on shared memory. */
async function gramOf(
  fixed: Float32Array,
  rows: number,
  options: Options,
  pool: Pool,
): Promise<Float64Array> {
  const d = options.factors;
  const parts = sharedDoubles(GRAM_PARTS * d * d);
  await pool.run(gramKernel, { factors: fixed, d, rows, parts: GRAM_PARTS, gram: parts }, GRAM_PARTS, 1);
  const gram = sharedDoubles(d * d);
  for (let n = 0; n < parts.length; n++) gram[n % (d * d)]! += options.unobservedWeight * parts[n]!;
  return gram;
}

function fixedSide(gram: Float64Array, factors: Float32Array, options: Options): FixedSide {
  const { factors: d, regularization, unobservedWeight } = options;
  return { d, factors, gram, regularization, unobserved: (unobservedWeight * factors.length) / d };
}

function model(gram: Float64Array, items: Float32Array, options: Options, asOf: number): Model {
  const d = options.factors;
  const side = fixedSide(gram, items, options);
  const scratch = makeScratch(d);
  const folded = new Float32Array(d);
  return {
    score: (profile, scores) => {
      // Items that took no part in training have no factor, and must not count as evidence either.
      const weight = Float32Array.from(profile.last, (last, n) =>
        items[profile.items[n]! * d] === 0 ? 0 : recencyWeight(asOf - last, options.halfLifeDays),
      );
      solveRow(side, profile.items, weight, 0, profile.items.length, scratch, folded, 0);
      dotRows(items, folded, scores);
    },
    save: (writer) => {
      writer.array('gram', gram);
      writer.array('items', items);
      writer.value('options', options);
      writer.value('asOf', asOf);
    },
  };
}

/** scores[i] = row i of `rows` · `vector`. */
function dotRows(rows: Float32Array, vector: Float32Array, scores: Float32Array): void {
  const d = vector.length;
  for (let i = 0, r = 0; i < scores.length; i++, r += d) {
    let even = 0;
    let odd = 0;
    let k = 0;
    for (; k + 1 < d; k += 2) {
      even += rows[r + k]! * vector[k]!;
      odd += rows[r + k + 1]! * vector[k + 1]!;
    }
    if (k < d) even += rows[r + k]! * vector[k]!;
    scores[i] = even + odd;
  }
}
