import type { Failure } from '#core/errors';
import { EtlTable, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { Source, SourceTable } from '#core/source';
import { readAll, transition } from '#store/document';
import { now, type Store } from '#store/store';
import { type RunKey, tablePath } from './run-key.ts';

/** Every enabled table of the model's enabled sources, in the order of sources and names. */
export async function enabledTables(
  store: Store,
  { tenant, model }: Pick<RunKey, 'tenant' | 'model'>,
): Promise<SourceTable[]> {
  const sources = await readAll(store, paths.sources(tenant, model), Source, {
    orderBy: ['createdAt', 'asc'],
  });
  const perSource = await Promise.all(
    sources
      .filter((source) => source.enabled)
      .map((source) => readAll(store, paths.sourceTables(tenant, model, source.id), SourceTable)),
  );
  return perSource.flatMap((tables) =>
    tables.filter((table) => table.enabled).sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

/** The tables of a run as they stand, by name. */
export async function tablesOf(store: Store, { tenant, model, run }: RunKey): Promise<EtlTable[]> {
  const tables = await readAll(store, paths.etlTables(tenant, model, run), EtlTable);
  return tables.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A run's record of a table that is to be loaded. */
export function newTable(run: string, table: SourceTable, at: string): EtlTable {
  return {
    id: table.id,
    run,
    source: table.source,
    name: table.name,
    destination: table.destination,
    mode: table.mode,
    status: 'queued',
    counts: { rows: 0, bytes: 0, rejected: {} },
    failure: null,
    watermark: null,
    createdAt: at,
    finishedAt: null,
  };
}

/** Ends the table as failed, unless it is over. The others go on. */
export async function failTable(store: Store, key: RunKey, table: string, failure: Failure): Promise<void> {
  await transition(store, tablePath(key, table), EtlTable, etlCycle, 'fail', {
    patch: () => ({ failure: { ...failure }, finishedAt: now(store) }),
  });
}

/** Whether nothing will happen to the table any more. */
export function isOver(table: Pick<EtlTable, 'status'>): boolean {
  return isFinal(etlCycle, table.status);
}
