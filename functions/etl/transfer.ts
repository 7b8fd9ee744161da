/**
 * Tables that the warehouse takes itself, in place of files that were extracted: the source table is copied as it was at the
 * run's moment, and its rows are read from the copy into staging. From there on they go the way of all others: compared,
 * published, entered in the ledger. The copy is what they are compared with.
 */
import type { TableRef } from '#cloud/bigquery';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { EtlTable } from '#core/etl-run';
import { figuresQuery, tallyOfFigures } from '#core/sql/figures';
import { emptyTally } from '#core/tally';
import { mustRead } from '#store/document';
import { capReachedBy } from './caps.ts';
import { runJob } from './jobs.ts';
import { type Extracted, loadStaging, STAGING_HOURS, stagingFields } from './load.ts';
import { quoted, tableName } from './publish-sql.ts';
import type { TablePlan } from './records.ts';
import { tablePath } from './run-key.ts';
import type { Scope } from './scope.ts';
import { copyOf, jobName, stagingOf } from './staging.ts';
import { tablesOf } from './tables.ts';

/** What is known of a transfer once it is planned. */
export type Planned = Pick<TablePlan, 'id' | 'name'> & {
  readonly transfer: NonNullable<TablePlan['transfer']>;
};

/** Whether the warehouse takes the table itself. */
export function isTransfer(plan: TablePlan): plan is TablePlan & Planned {
  return plan.transfer !== null;
}

/** The rows of the copy that are taken, as wire types under the warehouse's names. */
export function takenSql(
  copy: TableRef,
  { expressions, where, limit }: Planned['transfer'],
  columns: readonly Column[],
): string {
  const list = columns.map(({ name }, index) => `${expressions[index] ?? 'NULL'} AS ${quoted(name)}`);
  return `SELECT ${list.join(', ')} FROM ${tableName(copy)} AS t${where === null ? '' : ` WHERE ${where}`}${limit === null ? '' : ` LIMIT ${limit}`}`;
}

/**
 * Copies the table and counts what will be taken of it, as files are counted while they are written. Does the same again at
 * any later time. @throws TerminalError `copy-refused`, `cap-reached`, what the connector refuses
 */
export async function copyTable(scope: Scope, plan: Planned, columns: readonly Column[]): Promise<Extracted> {
  const { warehouse, caps } = scope;
  const { transfer } = plan;
  const copy = copyOf(scope, plan.id);
  try {
    await runJob(scope, jobName(scope, plan.id, 'copy'), (jobId) =>
      warehouse.startCopy(jobId, { ...transfer.from, moment: transfer.moment }, copy),
    );
  } catch (error) {
    throw error instanceof TerminalError ? notCopied(plan, error) : error;
  }
  await warehouse.expireTable(copy, STAGING_HOURS);
  scope.log.info('table copied', { table: plan.name });
  await refuse(scope, copy, transfer);
  const from = await countedFrom(scope, plan, columns);
  const [row] = await warehouse.query(figuresQuery({ from, columns, form: 'staged', tally: null }));
  const bytes = (await warehouse.describe(copy))?.bytes ?? 0;
  const tally = { ...tallyOfFigures(row ?? {}, columns), bytes };
  const others = (await tablesOf(scope.store, scope.key)).filter(({ id }) => id !== plan.id);
  const spent = others.reduce(
    (sum, { counts }) => ({ rows: sum.rows + counts.rows, bytes: sum.bytes + counts.bytes }),
    { rows: tally.rows, bytes: tally.bytes },
  );
  const over = capReachedBy(spent, caps);
  if (over !== null) throw new TerminalError(over.code, over.message, { remedy: over.remedy ?? '' });
  return { uris: [], rejectUris: [], tally };
}

/** What is counted: the rows of the copy; of a sample, which may be another each time, those that have been staged. */
async function countedFrom(scope: Scope, plan: Planned, columns: readonly Column[]): Promise<string> {
  if (plan.transfer.limit === null) return `(${takenSql(copyOf(scope, plan.id), plan.transfer, columns)})`;
  const staging = stagingOf(scope, plan.id);
  await stageCopy(scope, plan, staging, columns);
  return tableName(staging);
}

function notCopied({ name, transfer: { from } }: Planned, cause: TerminalError): TerminalError {
  return new TerminalError('copy-refused', `BigQuery did not copy "${name}": ${cause.message}`, {
    remedy: `Give the installation’s service account tradewind-etl the role BigQuery Data Viewer on the data set ${from.project}.${from.dataset}; a table with row access policies is read with a key only.`,
    cause,
  });
}

/** What a table that is published already had, for whoever goes on after a death: its copy is gone. */
export async function countedBefore(
  { store, key }: Scope,
  plan: Planned,
  columns: readonly Column[],
): Promise<Extracted> {
  const { counts } = (await mustRead(store, tablePath(key, plan.id), EtlTable, 'table')).value;
  const tally = { ...emptyTally(columns.map(({ name }) => name)), rows: counts.rows, bytes: counts.bytes };
  return { uris: [], rejectUris: [], tally };
}

/** Reads the copy into the staging table, replacing what a former try left there. */
export async function stageCopy(
  scope: Scope,
  plan: Planned,
  staging: TableRef,
  columns: readonly Column[],
): Promise<void> {
  const name = jobName(scope, plan.id, 'load');
  await loadStaging(scope, name, staging, [], stagingFields(columns));
  const sql = takenSql(copyOf(scope, plan.id), plan.transfer, columns);
  await runJob(scope, name, (jobId) => scope.warehouse.startQuery(jobId, sql, { into: staging }));
}

async function refuse({ warehouse }: Scope, copy: TableRef, { refusal }: Planned['transfer']): Promise<void> {
  if (refusal === null) return;
  const { when, code, message, remedy } = refusal;
  const found = await warehouse.query(`SELECT 1 AS found FROM ${tableName(copy)} AS t WHERE ${when} LIMIT 1`);
  if (found.length > 0) throw new TerminalError(code, message, { remedy });
}
