import type { TableRef } from '#cloud/bigquery';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { gather, loadStaging, prove, stagingFields } from './load.ts';
import { addCounts, percent, rejectedRows } from './plan.ts';
import { checkEqual } from './proof.ts';
import { vanishedQuery } from './publish-sql.ts';
import { plannedColumns, plannedKey, type TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { jobName, keysStagingOf } from './staging.ts';
import { makePlaceStatements, sweepName, sweepStatements } from './sweep-sql.ts';
import type { ClaimedUnit } from './units.ts';

/** Units of a table by what they read: its rows, or the keys of all of them. */
export function splitUnits(units: readonly ClaimedUnit[]): {
  readonly rows: readonly ClaimedUnit[];
  readonly keys: readonly ClaimedUnit[];
} {
  return {
    rows: units.filter(({ record }) => !record.keysOnly),
    keys: units.filter(({ record }) => record.keysOnly),
  };
}

function rejectedKeys(units: readonly ClaimedUnit[]): number {
  return rejectedRows(units.reduce((sum, { record }) => addCounts(sum, record.rejected), {}));
}

/** What people should know of the look for deleted rows: it is left out where keys could not be read, for their rows are there. */
export function sweepNotes(plan: Pick<TablePlan, 'marks'>, keys: readonly ClaimedUnit[]): string[] {
  const rejected = plan.marks === 'keys' ? rejectedKeys(keys) : 0;
  if (rejected === 0) return [];
  const what = rejected === 1 ? 'the key of one row does' : `the keys of ${rejected} rows do`;
  return [
    `Deleted rows were not looked for, because ${what} not fit the column’s type: correct it in the source, and the next load looks.`,
  ];
}

/**
 * Loads the keys of all rows of a table's source.
 * @returns where they are; null where they tell nothing: none were read, or some were rejected, whose rows are there
 * @throws TerminalError `load-mismatch`
 */
export async function stageKeys(
  scope: Scope,
  plan: TablePlan,
  units: readonly ClaimedUnit[],
): Promise<TableRef | null> {
  if (plan.marks !== 'keys') return null;
  const rejected = rejectedKeys(units);
  if (rejected > 0) {
    const about = { table: plan.name, rejected };
    scope.log.warn('keys were rejected, so deleted rows are not looked for', about);
    return null;
  }
  const key = plannedKey(plan);
  const keys = gather(
    units,
    key.map(({ name }) => name),
  );
  const staging = keysStagingOf(scope, plan.id);
  await loadStaging(scope, jobName(scope, plan.id, 'load-keys'), staging, keys.uris, stagingFields(key));
  checkEqual(plan.name, (await prove(scope, staging, key, keys.tally)).proof);
  scope.log.info('keys staged', { table: plan.name, rows: keys.tally.rows });
  return staging;
}

/** A source that is half there, or another one, is no reason to take half of the customers for gone. */
export async function checkVanished(
  { warehouse, dataset }: Scope,
  plan: TablePlan,
  staging: TableRef,
  key: readonly Column[],
): Promise<void> {
  const raw = { dataset, table: plan.destination };
  const [found] = await warehouse.query(vanishedQuery(raw, staging, key));
  const [present, vanished] = [Number(found?.['present']), Number(found?.['vanished'])];
  if (vanished <= plan.deleteLimit * present) return;
  throw new TerminalError(
    'too-many-deletes',
    `"${plan.name}" has lost ${vanished} of its ${present} rows since the last load; the limit is ${percent(plan.deleteLimit)}. Nothing was published.`,
    {
      remedy:
        'If they are to go, raise the table’s limit of deleted rows, or load it by replace once; otherwise look at the source.',
    },
  );
}

/** What a publication does of a table's rows beside putting those that came in, and the parameters of that. */
export function besides(
  { dataset }: Pick<Scope, 'dataset'>,
  plan: TablePlan,
  keys: TableRef | null,
): {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly params: Readonly<Record<string, string>>;
} {
  const raw = { dataset, table: plan.destination };
  const { replaced } = plan;
  const at = plan.columns.findIndex(({ name }) => name === replaced?.column);
  const column = plannedColumns(plan)[at];
  const place = replaced === null || plan.write !== 'append' ? null : replaced;
  if (place !== null && column === undefined)
    throw new RangeError(`the cursor ${place.column} is not among the columns that are loaded`);
  return {
    before: place === null || column === undefined ? [] : makePlaceStatements(raw, column),
    after: keys === null ? [] : sweepStatements(raw, keys, plannedKey(plan)),
    params: {
      ...(place === null ? {} : { from: place.value }),
      ...(keys === null ? {} : { sweep: sweepName(plan.destination) }),
    },
  };
}
