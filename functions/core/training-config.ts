import { z } from 'zod';
import { algorithmName, algorithmNames, slotName, slotNames } from './slot.ts';

/**
 * How a model is trained: what the user may choose, with ranges, and three presets that choose it for them.
 * Unknown keys are refused; what is left out comes from the preset.
 */

/** The test window: the newest part of the history, by days or by share of the order lines. The same length before it validates. */
export const holdout = z.union([
  z.strictObject({ days: z.int().min(1).max(365) }),
  z.strictObject({ quantile: z.number().min(0.01).max(0.3) }),
]);
export type Holdout = z.infer<typeof holdout>;

/** Every value decided: what `train` takes and the model card records. */
export const trainingConfig = z.strictObject({
  preset: z
    .enum(['quick', 'balanced', 'thorough'])
    .describe('How much is tried; fills whatever is left out.'),
  algorithms: z
    .array(algorithmName)
    .min(1)
    .max(algorithmNames.length)
    .describe('The candidates. Baselines are always trained beside them.'),
  slots: z.array(slotName).min(1).max(slotNames.length).describe('The questions to train and measure.'),
  trials: z.int().min(1).max(500).describe('At most this many settings are tried, over all algorithms.'),
  seconds: z
    .number()
    .min(1)
    .max(86_400)
    .describe('No new trial starts after this many seconds; the final fits still run.'),
  holdout: holdout.describe('The newest orders, kept out to measure with.'),
  minInteractionsPerCustomer: z
    .int()
    .min(1)
    .max(1000)
    .describe('Customers with fewer different items do not take part in learning; they are still served.'),
  minInteractionsPerItem: z
    .int()
    .min(1)
    .max(1000)
    .describe('Items bought by fewer customers are never offered as a discovery.'),
  halfLifeDays: z
    .number()
    .min(1)
    .max(3650)
    .nullable()
    .describe('Also try weighting a purchase half as much for every so many days of age; null: never.'),
  seed: z.int().min(0).max(2_147_483_647).describe('The same seed and data give the same model.'),
  k: z
    .array(z.int().min(1).max(200))
    .min(1)
    .max(8)
    .describe('List lengths reported beside the standard 10 and 20.'),
  gateTolerance: z
    .number()
    .min(0)
    .max(0.5)
    .describe(
      'How much worse than the live version, as a share, the new one may measure and still be deployed.',
    ),
});
export type TrainingConfig = z.infer<typeof trainingConfig>;

/** What the user sends: any part of the configuration. */
export const trainingConfigInput = trainingConfig.partial();
export type TrainingConfigInput = z.infer<typeof trainingConfigInput>;

const shared = {
  algorithms: [...algorithmNames],
  slots: [...slotNames],
  holdout: { quantile: 0.1 },
  minInteractionsPerCustomer: 1,
  minInteractionsPerItem: 2,
  halfLifeDays: 120,
  seed: 1,
  k: [5, 10, 20],
  gateTolerance: 0.05,
} satisfies Partial<TrainingConfig>;

/** The three presets; `quick` is sized for a few hundred thousand order lines in seconds on two cores. */
export const trainingPresets: Readonly<Record<TrainingConfig['preset'], TrainingConfig>> = {
  quick: { ...shared, preset: 'quick', trials: 16, seconds: 12 },
  balanced: { ...shared, preset: 'balanced', trials: 40, seconds: 300 },
  thorough: { ...shared, preset: 'thorough', trials: 120, seconds: 3600 },
};

/** `input` (already parsed) with the gaps filled from its preset (`balanced` where none is named). */
export function resolveTrainingConfig(input: TrainingConfigInput): TrainingConfig {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  return trainingConfig.parse({ ...trainingPresets[input.preset ?? 'balanced'], ...given });
}
