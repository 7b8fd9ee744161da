import { z } from 'zod';

/**
 * The questions a trained model is measured on. On wholesale data they are different problems, each with its own
 * candidates, baseline and metrics:
 * - `reorder`: which of the items this customer already bought will it buy again?
 * - `discover`: which items that this customer never bought will it start to buy?
 */
export const SLOTS = ['reorder', 'discover'] as const;
export const SlotName = z.enum(SLOTS);
export type SlotName = z.infer<typeof SlotName>;

/**
 * Questions that the models of the slots answer too, measured beside a baseline of their own; for the first two a model that
 * does better than their default on the validation window may answer:
 * - `similar`: which items go with this one?
 * - `basket`: what is missing from this basket?
 * - `cold-customer`: what will somebody buy of whom only the first basket is known?
 * - `cold-item`: which of the items that nobody had bought before will a customer buy?
 */
export const DERIVED_SLOTS = ['similar', 'basket', 'cold-customer', 'cold-item'] as const;
export const DerivedSlot = z.enum(DERIVED_SLOTS);
export type DerivedSlot = z.infer<typeof DerivedSlot>;

/** The baseline that a slot's model must not lose to (reorder), or must beat (discover). */
export const slotBaseline: Readonly<Record<SlotName, AlgorithmName>> = {
  reorder: 'personal-frequency',
  discover: 'popularity',
};

/** Every algorithm of the portfolio; functions/recommender/registry.ts has one file for each. */
export const ALGORITHMS = [
  'popularity',
  'personal-frequency',
  'purchase-rhythm',
  'tifu-knn',
  'item-neighbours',
  'ease',
  'graph-filter',
  'ials',
  'two-tower',
  'blend',
] as const;
export const AlgorithmName = z.enum(ALGORITHMS);
export type AlgorithmName = z.infer<typeof AlgorithmName>;

/**
 * What answers a derived question: an algorithm, or for items that nobody bought yet
 * - `content`: the factors that their category, brand and words of the name tell, by a model with factors;
 * - `own-categories`: those of the categories that the customer buys most, its baseline.
 */
export const DerivedWay = z.enum([...ALGORITHMS, 'content', 'own-categories']);
export type DerivedWay = z.infer<typeof DerivedWay>;

/** The algorithms that are always trained and reported beside the model, whatever the configuration chose. */
export const BASELINES = [
  'popularity',
  'item-neighbours',
  'personal-frequency',
] as const satisfies readonly AlgorithmName[];
