import type { Write } from '#cloud/firestore';
import { type Failure, TerminalError } from '#core/errors';
import { EtlRun, type EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import type { SourceTable } from '#core/source';
import { mustRead, readAll } from '#store/document';
import { now } from '#store/store';
import { TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { checkTogether } from './together-plan.ts';
import { newTable, tablesOf, tablesToLoad } from './tables.ts';

/** Firestore takes 500 writes at once. */
const BATCH = 400;

/** The run's tables as they begin; of two that would be loaded to one place the second begins as failed. */
export function planRunTables(run: string, tables: readonly SourceTable[], at: string): EtlTable[] {
  const owners = new Map<string, string>();
  return tables.map((table) => {
    const begun = newTable(run, table, at);
    const owner = owners.get(begun.destination);
    if (owner === undefined) owners.set(begun.destination, table.name);
    return owner === undefined
      ? begun
      : { ...begun, status: 'failed', failure: destinationTaken(table, owner), finishedAt: at };
  });
}

/**
 * Writes the run's tables: what is enabled when it begins to read. A predecessor may have died between batches: as long
 * as nothing has been planned, what is missing is added.
 */
export async function writeTables(scope: Scope): Promise<void> {
  const { store, key } = scope;
  const plans = await readAll(store, paths.etlPlans(scope.path), TablePlan);
  if (plans.length > 0) return;
  const known = new Set((await tablesOf(store, key)).map((table) => table.id));
  const { only } = (await mustRead(store, scope.path, EtlRun, 'run')).value;
  const enabled = await tablesToLoad(store, key, only);
  if (enabled.length === 0 && known.size === 0)
    throw new TerminalError('nothing-to-load', 'No table is enabled any more.', {
      remedy: 'Enable at least one table of a source, then start again.',
    });
  if (scope.together) checkTogether(Math.max(known.size, enabled.length));
  const tables = planRunTables(key.run, enabled, now(store)).filter((table) => !known.has(table.id));
  const writes: Write[] = [
    ...tables.map((data): Write => {
      const path = paths.etlTable(key.tenant, key.model, key.run, data.id);
      return { kind: 'create', path, data };
    }),
    { kind: 'update', path: scope.path, data: { tables: known.size + tables.length } },
  ];
  for (let at = 0; at < writes.length; at += BATCH) await store.db.commit(writes.slice(at, at + BATCH));
}

function destinationTaken(table: SourceTable, owner: string): Failure {
  return {
    code: 'destination-taken',
    message: `"${table.name}" would be loaded to "${table.destination}", as "${owner}" is.`,
    remedy: 'Discover the tables of this source again, or disable one of the two.',
  };
}
