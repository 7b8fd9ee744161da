import type { TrainingConfig } from '#core/training-config';

/** Unobserved weight and regularization, best guess first. They go together with density, so no one pair is safe. */
const SMALL = [
  [0.3, 0.005],
  [0.1, 0.005],
  [0.03, 0.005],
  [0.1, 0.01],
  [0.1, 0.002],
  [0.3, 0.01],
  [0.03, 0.01],
  [0.01, 0.005],
] as const;
const LARGE = [
  [0.03, 0.003],
  [0.1, 0.005],
  [0.01, 0.003],
  [0.3, 0.007],
  [0.003, 0.002],
  [0.03, 0.007],
  [0.01, 0.007],
  [0.1, 0.01],
] as const;

/** Items from which a catalogue is so sparse that what was not bought says less. */
const MANY_ITEMS = 5000;

/** Settings worth trying, best guess first: pairs of weights before more factors. */
export function ialsTrials(config: TrainingConfig, size: { customers: number; items: number }) {
  const large = size.items >= MANY_ITEMS;
  const sizes = large
    ? { quick: [64], balanced: [128], thorough: [128, 256] }
    : { quick: [32], balanced: [64], thorough: [64, 128] };
  const epochs = { quick: 8, balanced: 12, thorough: 16 }[config.preset];
  const ages = config.halfLifeDays === null ? [null] : [null, config.halfLifeDays];
  return (large ? LARGE : SMALL).flatMap(([unobservedWeight, regularization]) =>
    ages.flatMap((halfLifeDays) =>
      sizes[config.preset].map((factors) => ({
        factors,
        unobservedWeight,
        regularization,
        epochs,
        halfLifeDays,
        solver: 'exact' as const,
        cgSteps: 3,
        blockSize: 32,
      })),
    ),
  );
}
