import { openWarehouse } from '#cloud/bigquery';
import type { Affected } from '#core/api/sources';
import { Dataset } from '#core/dataset';
import type { ColumnChange, Proposal } from '#core/drift';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { nextDestination, rawTablesOf, Source, SourceTable } from '#core/source';
import { driftOf, readersOf, withoutNext } from '#core/table-drift';
import type { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { mustRead, readAll } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { edit, mustReadLive } from '#store/resource';
import { now, type Store } from '#store/store';
import { affectedBy } from './affected.ts';
import { resourceOf, type SourceKey } from './sources.ts';

/** A table's address. */
export interface TableKey extends SourceKey {
  readonly table: string;
}

const pathOf = ({ tenant, model, source, table }: TableKey) =>
  paths.sourceTable(tenant, model, source, table);

/** In what a table differs from what was loaded last, as it was described last, and what that means. */
export async function readDrift(
  store: Store,
  config: Pick<Config, 'endpoints'>,
  tenant: Tenant,
  key: TableKey,
): Promise<{ changes: ColumnChange[]; proposal: Proposal | null; affected: Affected[] }> {
  const table = (await mustRead(store, pathOf(key), SourceTable, 'table')).value;
  const datasets = await readAll(store, paths.datasets(key.tenant, key.model), Dataset);
  const { changes } = driftOf(table, table.loaded, readersOf(datasets));
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
  const seen = changes.length > 0 ? changes : (table.proposal?.changes ?? []);
  const affected = await affectedBy({ store, warehouse, tenant, key, table, datasets }, seen);
  return { changes: [...seen], proposal: table.proposal, affected };
}

/**
 * Accepts what is proposed about a table, or keeps its raw table as it is. May be repeated, and decided otherwise until a
 * load has applied it.
 * @throws TerminalError `not-found`, `not-proposed` where that is not what is proposed now
 */
export async function decideDrift(
  store: Store,
  key: TableKey,
  actor: string,
  { proposal: seen, decision }: { readonly proposal: string; readonly decision: 'accept' | 'keep' },
): Promise<SourceTable> {
  await mustBeThere(store, key.tenant, key.model);
  await mustReadLive(store, resourceOf(key));
  const path = pathOf(key);
  return edit(
    store,
    { path, schema: SourceTable, what: 'table', noun: 'table' },
    { tenant: key.tenant, actor },
    undefined,
    async (table) => {
      const { proposal } = table;
      if (proposal?.id !== seen)
        throw new TerminalError(
          'not-proposed',
          `What is proposed about "${table.name}" is something else now.`,
          {
            remedy: 'Look at the table again, and decide about what has changed now.',
          },
        );
      const at = now(store);
      const decided = { ...proposal, decidedAt: at, decidedBy: actor };
      if (decision === 'keep') {
        if (proposal.decision === 'kept') return { patch: {} };
        return { patch: { proposal: { ...decided, decision: 'kept' }, ...withoutNext(table, at) } };
      }
      if (proposal.decision === 'accepted') return { patch: {} };
      const accepted = { proposal: { ...decided, decision: 'accepted' as const } };
      if (!proposal.newVersion) return { patch: accepted };
      const versions = table.versions + 1;
      const next = nextDestination(table.destination, versions, await rawTablesOfModel(store, key));
      return { patch: { ...accepted, next, versions } };
    },
    decision === 'accept' ? 'accept-change' : 'keep',
  );
}

/** Names of raw tables that some table of the model has, or had. */
async function rawTablesOfModel(store: Store, { tenant, model }: SourceKey): Promise<Set<string>> {
  const sources = await readAll(store, paths.sources(tenant, model), Source);
  const tables = await Promise.all(
    sources.map(({ id }) => readAll(store, paths.sourceTables(tenant, model, id), SourceTable)),
  );
  return new Set(tables.flat().flatMap(rawTablesOf));
}
