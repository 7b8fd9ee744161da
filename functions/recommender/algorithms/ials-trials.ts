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
  [0.01, 0.003],
  [0.1, 0.005],
  [0.3, 0.007],
  [0.02, 0.003],
  [0.003, 0.002],
  [0.03, 0.007],
  [0.1, 0.01],
] as const;

/** From so many items on a catalogue is so sparse that what was not bought says less, and more factors pay. */
const MANY_ITEMS = 5000;
/** From so many on, more factors than a small catalogue's pay. */
const SOME_ITEMS = 2000;

/** Lengths of the factors by preset: what the weights are tried with, and then with the best of them what takes longer. */
function lengths(items: number) {
  if (items >= MANY_ITEMS) return { quick: [64], balanced: [128, 256], thorough: [128, 256, 384] };
  if (items >= SOME_ITEMS) return { quick: [64], balanced: [64, 128], thorough: [64, 128, 192] };
  return { quick: [32], balanced: [64], thorough: [64, 128] };
}

/** Settings worth trying, best guess first: pairs of weights. */
export function ialsTrials(config: TrainingConfig, size: { customers: number; items: number }) {
  const large = size.items >= MANY_ITEMS;
  const epochs = { quick: 8, balanced: large ? 16 : 12, thorough: 16 }[config.preset];
  const ages = config.halfLifeDays === null ? [null] : [null, config.halfLifeDays];
  const factors = lengths(size.items)[config.preset][0]!;
  return (large ? LARGE : SMALL).flatMap(([unobservedWeight, regularization]) =>
    ages.map((halfLifeDays) => ({
      factors,
      unobservedWeight,
      regularization,
      epochs,
      halfLifeDays,
      solver: 'exact' as const,
      cgSteps: 3,
      blockSize: 32,
    })),
  );
}

/** The same weights with more factors. */
export function longerFactors<T extends { factors: number }>(
  options: T,
  config: TrainingConfig,
  size: { items: number },
): T[] {
  const { [config.preset]: all } = lengths(size.items);
  return all.filter((factors) => factors > options.factors).map((factors) => ({ ...options, factors }));
}
