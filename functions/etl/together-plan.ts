/** All tables of a run in one transaction: what BigQuery sets to it, and its text. */
import { TerminalError } from '#core/errors';
import { type EtlTable, MAX_TOGETHER } from '#core/etl-run';
import { inTransaction, type Publication, publishStatements } from './publish-sql.ts';

/** BigQuery takes statements of up to a megabyte. */
const MAX_STATEMENT = 1_000_000;

const REMEDY = 'Load fewer of them at once, or let each table be published by itself.';

/** @throws TerminalError `too-many-together` */
export function checkTogether(tables: number): void {
  if (tables <= MAX_TOGETHER) return;
  throw new TerminalError(
    'too-many-together',
    `${tables} tables cannot be published together: BigQuery changes at most ${MAX_TOGETHER} in one transaction, beside the ledger.`,
    { remedy: REMEDY },
  );
}

/** A table's part in it. */
export interface Part {
  readonly publication: Publication;
  readonly destination: string;
  readonly params: Readonly<Record<string, string | number>>;
}

/** The transaction of all parts and its parameters: each part has its own, but for `run`. @throws `too-many-together` */
export function planTogether(
  run: string,
  parts: readonly Part[],
): { readonly script: string; readonly params: Readonly<Record<string, string | number>> } {
  checkTogether(parts.length);
  const statements = parts.flatMap(({ publication }, index) =>
    publishStatements({ ...publication, suffix: `_${index}` }),
  );
  const script = inTransaction(statements);
  if (script.length > MAX_STATEMENT)
    throw new TerminalError(
      'too-many-together',
      `The ${parts.length} tables have too many columns to be published together: BigQuery takes statements of up to a megabyte.`,
      { remedy: REMEDY },
    );
  const own = parts.flatMap(({ destination, params }, index) =>
    Object.entries({ table: destination, ...params }).map(([name, value]) => [`${name}_${index}`, value]),
  );
  return { script, params: { run, ...Object.fromEntries(own) } };
}

/** Why nothing of the run may be published together: a table that failed or was cancelled; null where none did. */
export function apart(tables: readonly EtlTable[]): TerminalError | null {
  const lost = tables.find(({ status }) => status === 'failed' || status === 'cancelled');
  if (lost === undefined) return null;
  const why = lost.failure?.message ?? 'It was cancelled.';
  return new TerminalError(
    'together-failed',
    `The tables of this load are published together or not at all, and "${lost.name}" cannot be: ${why}`,
    { remedy: lost.failure?.remedy ?? 'Start the load again.' },
  );
}
