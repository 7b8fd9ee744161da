import { z } from 'zod';

/** A row that does not fit its table, however often it is sent, and BigQuery's word for why. */
export interface RefusedRow {
  /** The one that was given to `insert`. */
  readonly id: string;
  readonly message: string;
}

/** What the client throws where some rows were left out. */
const LeftOut = z.object({
  name: z.literal('PartialFailureError'),
  errors: z.array(
    z.object({
      row: z.object({ insertId: z.string() }),
      errors: z.array(z.object({ reason: z.string().default(''), message: z.string().default('') })),
    }),
  ),
});

/** The rows that do not fit, where `error` says that of some and nothing else of any; null otherwise. */
export function refusedRows(error: unknown): RefusedRow[] | null {
  const parsed = LeftOut.safeParse(error);
  if (!parsed.success) return null;
  const { errors: rows } = parsed.data;
  if (!rows.every(({ errors }) => errors.some(({ reason }) => reason === 'invalid'))) return null;
  return rows.map(({ row, errors }) => ({
    id: row.insertId,
    message: errors.map(({ message }) => message).join(' '),
  }));
}
