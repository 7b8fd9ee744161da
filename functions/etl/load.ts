import { createHash } from 'node:crypto';
import type { Field, TableRef } from '#cloud/bigquery';
import { type Column, wireTypeOf } from '#core/column';
import type { Proof } from '#core/proof';
import { tallyOfFigures } from '#core/sql/figures';
import { addTallies, emptyTally, type TableTally } from '#core/tally';
import { runJob } from './jobs.ts';
import { measuresOf, proofOf } from './proof.ts';
import { fittingQuery, validationQuery } from './publish-sql.ts';
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
 * @returns the proof, and how many of its rows do not fit the raw table's types.
 */
export async function prove(
  { warehouse }: Pick<Scope, 'warehouse'>,
  ref: TableRef,
  columns: readonly Column[],
  tally: TableTally,
): Promise<{ readonly proof: Proof; readonly unfit: number }> {
  const [row = {}] = await warehouse.query(validationQuery(ref, columns, tally));
  const proof = proofOf(tally, measuresOf(tally, row, columns), columns.length);
  return { proof, unfit: Number(row['unfit'] ?? 0) };
}

/** What the published rows must come to: what was counted, without the rows that the raw table's types cannot hold. */
export async function expectedOf(
  { warehouse }: Pick<Scope, 'warehouse'>,
  ref: TableRef,
  columns: readonly Column[],
  tally: TableTally,
  unfit: number,
): Promise<TableTally> {
  if (unfit === 0) return tally;
  const [row = {}] = await warehouse.query(fittingQuery(ref, columns, tally));
  const fitting = tallyOfFigures(row, columns);
  // The bounds of all rows are bounds of fewer.
  const bounded = fitting.columns.map((column, index) => {
    const { min = null, max = null } = tally.columns[index] ?? {};
    return { ...column, min, max };
  });
  return { ...fitting, checksum: tally.checksum === null ? null : fitting.checksum, columns: bounded };
}

/** Stands for the figures that a publication was compared with. */
export function checksum(tally: TableTally): string {
  const figures = { rows: tally.rows, checksum: tally.checksum, columns: tally.columns };
  return createHash('sha256').update(JSON.stringify(figures)).digest('hex');
}
