import { bootstrapDifference, bootstrapMean } from '../../../functions/recommender/bootstrap.ts';
import { gaussian, seededRandom } from '../../../functions/recommender/random.ts';

/** `n` customers around 0.3, normally spread by 0.1. */
function customers(n: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: n }, () => 0.3 + 0.1 * gaussian(random));
}

describe('an interval by resampling customers', () => {
  it('is as wide as the normal one where the figures are normal', () => {
    const { mean, low, high } = bootstrapMean(customers(400, 1), 7);
    expect(mean).toBeCloseTo(0.3, 1);
    // 2 × 1.96 × 0.1 / √400
    expect(high - low).toBeGreaterThan(0.016);
    expect(high - low).toBeLessThan(0.024);
    expect(low).toBeLessThan(mean);
  });

  it('holds the truth about 95 times of 100', () => {
    const held = Array.from({ length: 100 }, (_, seed) =>
      bootstrapMean(customers(60, seed + 100), seed),
    ).filter(({ low, high }) => low <= 0.3 && high >= 0.3);
    expect(held.length).toBeGreaterThanOrEqual(88);
  });

  it('is the same for the same seed, and leaves out customers without a figure', () => {
    const some = customers(50, 3);
    const gaps = Float32Array.from([NaN, ...some, NaN]);
    expect(bootstrapMean(gaps, 2)).toEqual(bootstrapMean(some, 2));
  });

  it('knows nothing of one customer or none', () => {
    expect(bootstrapMean(Float32Array.of(0.5), 1)).toEqual({ mean: 0.5, low: -1, high: 1 });
    expect(bootstrapMean(new Float32Array(), 1)).toEqual({ mean: 0, low: -1, high: 1 });
  });

  it('of a difference is narrow where the same customers are better throughout', () => {
    const theirs = customers(200, 4);
    const { low, high } = bootstrapDifference(
      theirs.map((figure) => figure + 0.01),
      theirs,
      5,
    );
    expect(low).toBeCloseTo(0.01, 5);
    expect(high).toBeCloseTo(0.01, 5);
  });
});
