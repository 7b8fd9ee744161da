import type { TableRef } from '#cloud/bigquery';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { keyViolationQuery } from './publish-sql.ts';
import { HASHES_HIDE } from './hashing.ts';
import { hidesValues, type TablePlan } from './records.ts';
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
  const hides = hidesValues(plan);
  const shown = values
    .map(({ name, value }) => {
      if (typeof value !== 'string') return `${name} = null`;
      return hides ? name : `${name} = ${value.slice(0, 50)}`;
    })
    .join(', ');
  const isNull = values.some(({ value }) => value === null);
  const what = isNull
    ? `"${plan.name}" has a row whose key is null (${shown}), so it cannot be merged.`
    : `"${plan.name}" has ${Number(found['n'])} rows with ${hides ? 'one' : 'the'} key ${shown}; a merge needs a key that each row has to itself.`;
  throw new TerminalError(isNull ? 'key-null' : 'key-not-unique', hides ? `${what} ${HASHES_HIDE}` : what, {
    remedy: 'Choose other columns as the key of this table, or load it by replace.',
  });
}
