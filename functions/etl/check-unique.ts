import type { TableRef } from '#cloud/bigquery';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { keyViolationQuery } from './publish-sql.ts';
import type { TablePlan } from './records.ts';
import type { Scope } from './scope.ts';

/** Rows that share a key cannot be merged: which of them is right is not ours to choose. */
export async function checkUnique(
  { warehouse }: Scope,
  plan: TablePlan,
  staging: TableRef,
  key: readonly Column[],
): Promise<void> {
  if (key.length === 0) return;
  const [found] = await warehouse.query(keyViolationQuery(staging, key));
  if (found === undefined) return;
  const values = plan.key.map((name, index) => ({ name, value: found[`key_${index}`] ?? null }));
  const shown = values
    .map(({ name, value }) => `${name} = ${typeof value === 'string' ? value.slice(0, 50) : 'null'}`)
    .join(', ');
  const isNull = values.some(({ value }) => value === null);
  throw new TerminalError(
    isNull ? 'key-null' : 'key-not-unique',
    isNull
      ? `"${plan.name}" has a row whose key is null (${shown}), so it cannot be merged.`
      : `"${plan.name}" has ${Number(found['n'])} rows with the key ${shown}; a merge needs a key that each row has to itself.`,
    { remedy: 'Choose other columns as the key of this table, or load it by replace.' },
  );
}
