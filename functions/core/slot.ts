import { z } from 'zod';

/**
 * The questions a trained model is measured on. On wholesale data they are different problems, each with its own
 * candidates, baseline and metrics:
 * - `reorder`: which of the items this customer already bought will it buy again?
 * - `discover`: which items that this customer never bought will it start to buy?
 */
export const slotNames = ['reorder', 'discover'] as const;
export const slotName = z.enum(slotNames);
export type SlotName = z.infer<typeof slotName>;

/** The baseline that a slot's model must not lose to (reorder), or must beat (discover). */
export const slotBaseline: Readonly<Record<SlotName, AlgorithmName>> = {
  reorder: 'personal-frequency',
  discover: 'popularity',
};

/** Every algorithm of the portfolio; functions/recommender/registry.ts has one file for each. */
export const algorithmNames = [
  'popularity',
  'personal-frequency',
  'purchase-rhythm',
  'item-neighbours',
  'ials',
  'ease',
] as const;
export const algorithmName = z.enum(algorithmNames);
export type AlgorithmName = z.infer<typeof algorithmName>;

/** The algorithms that are always trained and reported beside the model, whatever the configuration chose. */
export const baselineNames = [
  'popularity',
  'item-neighbours',
  'personal-frequency',
] as const satisfies readonly AlgorithmName[];
