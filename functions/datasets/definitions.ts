import { openWarehouse } from '#cloud/bigquery';
import { Dataset, type DatasetDefinition } from '#core/dataset';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { checkShape } from '#core/sql/resolve';
import type { Tenant } from '#core/tenant';
import type { Platform } from '#runtime/platform';
import { mustRead, update } from '#store/document';
import { readLinesSql, readRawTables } from '#store/raw-tables';
import { commitChange, makeId, now } from '#store/store';

type Here = Pick<Platform, 'store' | 'config'>;

/** Writes a new data set, checked as far as its tables are loaded. */
export async function create(
  here: Here,
  tenant: Tenant,
  model: string,
  actor: string,
  definition: DatasetDefinition,
): Promise<Dataset> {
  const { store } = here;
  await mustRead(store, paths.model(tenant.id, model), Model, 'model');
  await check(here, tenant, model, definition);
  const at = now(store);
  const dataset: Dataset = { ...definition, id: makeId(store, 'd'), createdAt: at, updatedAt: at };
  const path = paths.dataset(tenant.id, model, dataset.id);
  await commitChange(store, {
    writes: [{ kind: 'create', path, data: toDocument(dataset) }],
    audit: { tenant: tenant.id, actor, action: 'dataset.create', target: path },
  });
  return dataset;
}

/** Replaces a data set's definition; runs that have begun keep the lines they have extracted. */
export async function replace(
  here: Here,
  tenant: Tenant,
  model: string,
  id: string,
  actor: string,
  definition: DatasetDefinition,
): Promise<Dataset> {
  const { store } = here;
  const path = paths.dataset(tenant.id, model, id);
  await mustRead(store, path, Dataset, 'data set');
  await check(here, tenant, model, definition);
  const changed = { ...toDocument(definition), updatedAt: now(store) };
  return update(store, path, Dataset, 'data set', () => changed, {
    tenant: tenant.id,
    actor,
    action: 'dataset.replace',
    target: path,
  });
}

/** Columns can only be checked where every table is loaded; before that, whether the definition hangs together. */
async function check(
  { config, store }: Here,
  tenant: Tenant,
  model: string,
  definition: DatasetDefinition,
): Promise<void> {
  checkShape(definition);
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
  const tables = await readRawTables(warehouse, tenant, model, definition);
  if (definition.tables.every((table) => tables.has(table.destination)))
    await readLinesSql(warehouse, tenant, model, definition, { asOf: now(store), historyDays: 0 });
}

/** Roles left out are absent from the document: Firestore keeps no undefined. */
function toDocument<T extends DatasetDefinition>(definition: T): T {
  const roles = Object.fromEntries(Object.entries(definition.roles).filter(([, ref]) => ref !== undefined));
  // The roles that are there are the roles that were there.
  return { ...definition, roles: roles as T['roles'] };
}
