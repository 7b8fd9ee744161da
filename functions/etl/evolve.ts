import type { Column, ColumnType } from '#core/column';
import { TerminalError } from '#core/errors';
import { DELETED_AT } from '#core/warehouse-name';
import type { TablePlan } from './records.ts';
import { planSchema, widenStatement } from './schema-plan.ts';
import type { Scope } from './scope.ts';

/** A raw table that is ready for a plan's columns. */
export interface Evolved {
  /** Names of the columns that it had, and its rows. */
  readonly fields: readonly string[];
  readonly rows: number;
  /** Columns that keep a wider type than that of what comes: the type, by name. */
  readonly wider: ReadonlyMap<string, ColumnType>;
}

/**
 * Makes the raw table, or brings it to the plan's columns as far as BigQuery does that in place; a merged one is clustered
 * by its key, by which every load looks rows up. May be done again: what is there already stays. What was planned was
 * admitted (drift.ts), so what cannot be done here came about in between.
 * @throws TerminalError `column-type-changed`
 */
export async function evolve(scope: Scope, plan: TablePlan, columns: readonly Column[]): Promise<Evolved> {
  const ref = { dataset: scope.dataset, table: plan.destination };
  const marks = plan.deletes === 'mark' ? [{ name: DELETED_AT, type: 'TIMESTAMP' as const }] : [];
  const fields = [...columns.map(({ name, type }) => ({ name, type })), ...marks];
  const existing = await scope.warehouse.describe(ref);
  if (existing === null) {
    const clusterBy = clusterOf(plan, columns);
    await scope.warehouse.ensureTable(ref, fields, clusterBy.length === 0 ? {} : { clusterBy });
    return { fields: [], rows: 0, wider: new Map() };
  }
  const { added, widened, wider, changed } = planSchema(existing.fields, fields);
  const [first] = changed;
  if (first !== undefined)
    throw new TerminalError(
      'column-type-changed',
      `"${plan.name}": the column "${first.name}" is ${first.to} in the source now and ${first.from} in the warehouse.`,
      { remedy: 'Load it again: the change is then proposed on the Sources page, to be accepted or not.' },
    );
  const named = (some: readonly { readonly name: string }[]) => some.map(({ name }) => name).join(', ');
  if (added.length > 0) {
    await scope.warehouse.addFields(ref, added);
    scope.log.info('columns added', { table: plan.name, columns: named(added) });
  }
  if (widened.length > 0) {
    await scope.warehouse.query(widenStatement(ref, widened));
    scope.log.info('columns widened', { table: plan.name, columns: named(widened) });
  }
  return { fields: existing.fields.map(({ name }) => name), rows: existing.rows, wider };
}

/** The merge key's columns as the warehouse has them. */
export function warehouseKey(plan: TablePlan, columns: readonly Column[]): Column[] {
  return plan.key.flatMap((name) => {
    const column = columns[plan.columns.findIndex((one) => one.name === name)];
    return column === undefined ? [] : [column];
  });
}

/** BigQuery clusters by four columns at most, and by none of BYTES or TIME. */
function clusterOf(plan: TablePlan, columns: readonly Column[]): string[] {
  const fitting = warehouseKey(plan, columns).filter(({ type }) => type !== 'BYTES' && type !== 'TIME');
  return fitting.slice(0, 4).map(({ name }) => name);
}
