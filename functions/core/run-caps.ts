import { z } from 'zod';

/**
 * What a run may use at most. How long training searches is capped by the training's own `seconds` and `trials`: there
 * the best setting found so far is taken. These end the run, before anything is spent where that can be known.
 */
export const RunCaps = z.strictObject({
  maxCost: z
    .number()
    .positive()
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe(
      'US dollars by our price list. A run that may cost more, its training taking as long as it is allowed to, fails before it spends anything; a further attempt at training that may exceed it is not made. Null: no cap.',
    ),
  maxBytes: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Bytes that the extraction may read in BigQuery; known, and refused, beforehand. Null: no cap.',
    ),
  minutes: z
    .int()
    .min(1)
    .max(20_160)
    .default(2880)
    .describe('A run that is not over so many minutes after it began is stopped and fails.'),
});
export type RunCaps = z.infer<typeof RunCaps>;
