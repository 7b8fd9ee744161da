/**
 * What a load is proved by: figures gathered while its rows were read from the source, beside the same figures asked of
 * the warehouse. Kept with the run's table.
 */
import { z } from 'zod';

/**
 * One figure on both sides, as text: exact numbers, or null where nothing was to be counted.
 * - `rows`: how many
 * - `nulls`: of a column
 * - `sum`: of a column: numbers and decimals added exactly, dates in days, moments in microseconds, text in bytes, and how
 *   many are true
 * - `checksum`: over all rows, whatever their order: it binds the values of a row to each other, and holds a fingerprint of
 *   each text in the key (of each text at all where there is no key)
 */
export const Measure = z.object({
  what: z.enum(['rows', 'nulls', 'sum', 'checksum']),
  /** Null: of the whole table. */
  column: z.string().nullable(),
  expected: z.string().nullable(),
  obtained: z.string().nullable(),
});
export type Measure = z.infer<typeof Measure>;

/** Measures kept with a table; all are compared. */
export const KEPT_MEASURES = 200;

/**
 * How a table's load was proved.
 * - `stage`: `staged`: what was loaded and not yet published was compared; `published`: the publication was too, within its
 *   own transaction
 * - `differ`: how many measures differ; 0: proved
 */
export const Proof = z.object({
  stage: z.enum(['staged', 'published']),
  rows: z.int(),
  columns: z.int(),
  /** Sixteen hexadecimal digits; null where there was none to compare. */
  checksum: z.string().nullable(),
  differ: z.int(),
  /** How many were compared. */
  measured: z.int(),
  /** Those that differ first; KEPT_MEASURES at most. */
  measures: z.array(Measure),
});
export type Proof = z.infer<typeof Proof>;
