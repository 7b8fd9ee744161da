/** How raw tables change their columns: what BigQuery does in place, as plans and statements. Pure. */
import type { Field, TableRef } from '#cloud/bigquery';
import type { Column, ColumnType } from '#core/column';
import { widens } from '#core/drift';
import { quoted, tableName } from './publish-sql.ts';

/** How a raw table must change to take `columns`. */
export interface SchemaPlan {
  readonly added: Field[];
  /** Columns that get a type which holds every value they have. */
  readonly widened: Field[];
  /** Columns that keep a type which holds every value that comes: the type, by name. */
  readonly wider: Map<string, ColumnType>;
  /** Columns whose type is another one now, which the raw table cannot take. */
  readonly changed: { name: string; from: string; to: string }[];
}

/** How the raw table with the fields `existing` must change to take `columns`. */
export function planSchema(
  existing: readonly Field[],
  columns: readonly Pick<Column, 'name' | 'type'>[],
): SchemaPlan {
  const known = new Map(existing.map((field) => [field.name.toLowerCase(), field]));
  const plan: SchemaPlan = { added: [], widened: [], wider: new Map(), changed: [] };
  for (const { name, type } of columns) {
    const field = known.get(name.toLowerCase());
    if (field === undefined) plan.added.push({ name, type });
    else if (field.type === type) continue;
    else if (widens(field.type, type)) plan.widened.push({ name: field.name, type });
    else if (widens(type, field.type)) plan.wider.set(name, field.type);
    else plan.changed.push({ name, from: field.type, to: type });
  }
  return plan;
}

/** Gives columns of a raw table wider types, in place. Not within a transaction: BigQuery takes no such statement there. */
export function widenStatement(ref: TableRef, columns: readonly Field[]): string {
  const changes = columns.map(({ name, type }) => `ALTER COLUMN ${quoted(name)} SET DATA TYPE ${type}`);
  return `ALTER TABLE ${tableName(ref)}\n${changes.join(',\n')};`;
}
