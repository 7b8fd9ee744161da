import { seededRandom } from './random.ts';

/** The middle 95 % of what resampling the customers gives for a mean, and the mean itself. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Draws per interval: the ends then move by about a hundredth of the width from seed to seed. */
const DRAWS = 1000;

/**
 * The percentile bootstrap over customers (Efron, 1979) of the mean of `figures`, NaN left out; the same seed gives the
 * same ends. Of one customer or none the interval is the whole range that a mean could have: `[-1, 1]`.
 */
export function bootstrapMean(figures: Float32Array, seed: number): Interval {
  const known = figures.filter((figure) => !Number.isNaN(figure));
  const mean = known.length === 0 ? 0 : known.reduce((sum, figure) => sum + figure, 0) / known.length;
  if (known.length < 2) return { mean, low: -1, high: 1 };
  const random = seededRandom(seed);
  const means = new Float64Array(DRAWS);
  for (let draw = 0; draw < DRAWS; draw++) {
    let sum = 0;
    for (let n = 0; n < known.length; n++) sum += known[Math.floor(random() * known.length)]!;
    means[draw] = sum / known.length;
  }
  means.sort();
  return { mean, low: means[Math.floor(0.025 * DRAWS)]!, high: means[Math.ceil(0.975 * DRAWS) - 1]! };
}

/** The interval of the mean of `ours - theirs`, customer by customer: far narrower than two intervals side by side. */
export function bootstrapDifference(ours: Float32Array, theirs: Float32Array, seed: number): Interval {
  return bootstrapMean(
    ours.map((figure, n) => figure - theirs[n]!),
    seed,
  );
}
