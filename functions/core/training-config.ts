import { z } from 'zod';
import { ALGORITHMS, AlgorithmName, SLOTS, SlotName } from './slot.ts';

/**
 * How a model is trained: what the user may choose, with ranges, and three presets that choose it for them.
 * Unknown keys are refused; what is left out comes from the preset.
 */

/** The test window: the newest part of the history, by days or by share of the order lines. The same length before it validates. */
export const Holdout = z.union([
  z.strictObject({ days: z.int().min(1).max(365) }),
  z.strictObject({ quantile: z.number().min(0.01).max(0.3) }),
]);
export type Holdout = z.infer<typeof Holdout>;

export const Preset = z.enum(['quick', 'balanced', 'thorough']);
export type Preset = z.infer<typeof Preset>;

/** Every value decided. */
const Decided = z.strictObject({
  preset: Preset.describe('How much is tried; fills whatever is left out.'),
  algorithms: z
    .array(AlgorithmName)
    .min(1)
    .max(ALGORITHMS.length)
    .describe('The candidates. Baselines are always trained beside them.'),
  slots: z.array(SlotName).min(1).max(SLOTS.length).describe('The questions to train and measure.'),
  trials: z
    .int()
    .min(1)
    .max(500)
    .describe(
      'At most this many settings are tried, over all algorithms, besides those of the baselines; then blends of the best.',
    ),
  seconds: z
    .number()
    .min(1)
    .max(86_400)
    .describe(
      'No new trial starts after this many seconds, and one under way ends soon after; the baselines’ trials and the final fits still run.',
    ),
  holdout: Holdout.describe('The newest orders, kept out to measure with.'),
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
  seed: z
    .int()
    .min(0)
    .max(2_147_483_647)
    .describe(
      'The same seed and data give the same model, unless the time ran out: how many settings were tried by then depends on the machine. The report says how many were cut.',
    ),
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
      'How much worse than the live version’s setting, fitted and measured on the same purchases, the new one may be, as a share, and still be deployed.',
    ),
});
type Decided = z.infer<typeof Decided>;

const shared = {
  algorithms: [...ALGORITHMS],
  slots: [...SLOTS],
  holdout: { quantile: 0.1 },
  minInteractionsPerCustomer: 1,
  minInteractionsPerItem: 2,
  halfLifeDays: 120,
  seed: 1,
  k: [5, 10, 20],
  gateTolerance: 0.05,
} satisfies Partial<Decided>;

/** What `quick` tries: the methods that cost seconds on any data and have answered most. */
const QUICK = [
  'popularity',
  'personal-frequency',
  'purchase-rhythm',
  'item-neighbours',
  'ease',
  'ials',
] as const satisfies readonly AlgorithmName[];

/** The three presets; `quick` is sized for a few hundred thousand order lines in seconds on two cores. */
export const trainingPresets: Readonly<Record<Preset, Decided>> = {
  quick: { ...shared, preset: 'quick', algorithms: [...QUICK], trials: 7, seconds: 20 },
  balanced: { ...shared, preset: 'balanced', trials: 40, seconds: 300 },
  thorough: { ...shared, preset: 'thorough', trials: 120, seconds: 3600 },
};

/**
 * What a person sends is any part of it (`z.input`); what comes out of parsing has every value decided (`z.output`):
 * `train` takes that and the model card records it. Parsing the output again changes nothing.
 */
export const TrainingConfig = Decided.partial()
  .transform((input): Decided => {
    const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
    return { ...trainingPresets[input.preset ?? 'balanced'], ...given };
  })
  .pipe(Decided);
export type TrainingConfig = z.output<typeof TrainingConfig>;
export type TrainingConfigInput = z.input<typeof TrainingConfig>;
