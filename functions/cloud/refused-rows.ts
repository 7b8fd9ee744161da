import { z } from 'zod';

/** A row that does not fit its table, however often it is sent, and BigQuery's word for why. */
export interface RefusedRow {
  /** The one that was given to `insert`. */
  readonly id: string;
  readonly message: string;
}

/** BigQuery's answer to `tabledata.insertAll`: the rows that it left out, by their place in the request. */
const Answer = z.object({
  insertErrors: z
    .array(
      z.object({
        index: z.int().min(0).default(0),
        errors: z.array(z.object({ reason: z.string().default(''), message: z.string().default('') })),
      }),
    )
    .default([]),
});

/** The rows that do not fit, of those with `ids` that were sent; null where rows were left out for another reason. */
export function refusedRows(answer: unknown, ids: readonly string[]): RefusedRow[] | null {
  const { insertErrors } = Answer.parse(answer);
  if (!insertErrors.every(({ errors }) => errors.some(({ reason }) => reason === 'invalid'))) return null;
  return insertErrors.map(({ index, errors }) => ({
    id: ids[index] ?? '',
    message: errors.map(({ message }) => message).join(' '),
  }));
}
