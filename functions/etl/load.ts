import { createHash } from 'node:crypto';
import type { Field, TableRef } from '#cloud/bigquery';
import { type Column, wireTypeOf } from '#core/column';
import { TerminalError } from '#core/errors';
import { addTallies, emptyTally, type TableTally } from '#core/tally';
import { runJob } from './jobs.ts';
import { compare, validationQuery } from './publish-sql.ts';
import type { Scope } from './scope.ts';
import type { ClaimedUnit } from './units.ts';

/** Staging goes by itself after a day, should a run never come to remove it. */
export const STAGING_HOURS = 24;

/** A table's files, added up. */
export interface Extracted {
  readonly uris: readonly string[];
  readonly tally: TableTally;
  readonly rejectUris: readonly string[];
}

/** The winners' files of one table: only files with rows, only of units that are done. */
export function gather(units: readonly ClaimedUnit[], names: readonly string[]): Extracted {
  const done = units.map((unit) => unit.record).filter((record) => record.status === 'done');
  return {
    uris: done.flatMap((one) => (one.uri !== null && (one.tally?.rows ?? 0) > 0 ? [one.uri] : [])),
    rejectUris: done.flatMap((one) => (one.rejectsUri === null ? [] : [one.rejectsUri])),
    tally: done.reduce(
      (sum, one) => (one.tally === null ? sum : addTallies(sum, one.tally)),
      emptyTally(names),
    ),
  };
}

/** The fields of a staging table: wire types. */
export function stagingFields(columns: readonly Column[]): Field[] {
  return columns.map((column) => ({ name: column.name, type: wireTypeOf(column.type) }));
}

/** Loads exactly these files into the staging table, replacing what a former try left there. */
export async function loadStaging(
  scope: Scope,
  jobName: string,
  ref: TableRef,
  uris: readonly string[],
  fields: readonly Field[],
): Promise<void> {
  await scope.warehouse.ensureTable(ref, fields, { expiresInHours: STAGING_HOURS });
  if (uris.length === 0) return;
  await runJob(scope, jobName, (jobId) => scope.warehouse.startLoad(jobId, ref, uris, fields));
}

/**
 * Compares staging with what was counted while its files were written.
 * @returns how many of its rows do not fit the raw table's types.
 * @throws TerminalError `load-mismatch`
 */
export async function validate(
  scope: Scope,
  name: string,
  ref: TableRef,
  columns: readonly Column[],
  tally: TableTally,
): Promise<number> {
  const [row] = await scope.warehouse.query(validationQuery(ref, columns));
  const different = compare(row ?? {}, tally, columns);
  if (different.length > 0)
    throw new TerminalError(
      'load-mismatch',
      `"${name}" did not arrive as it was read (${different.join('; ')}). Nothing was published.`,
      { remedy: 'Run it again; if it happens again, send the run’s id to support.' },
    );
  return Number(row?.['unfit'] ?? 0);
}

/** Stands for the figures that a publication was compared with. */
export function checksum(tally: TableTally): string {
  const figures = { rows: tally.rows, columns: tally.columns };
  return createHash('sha256').update(JSON.stringify(figures)).digest('hex');
}
