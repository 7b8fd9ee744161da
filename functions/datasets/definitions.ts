import { openWarehouse } from '#cloud/bigquery';
import { Dataset, type DatasetDefinition } from '#core/dataset';
import { paths } from '#core/paths';
import { checkShape } from '#core/sql/resolve';
import type { Tenant } from '#core/tenant';
import type { Platform } from '#runtime/platform';
import { dependentsOfDataset } from '#store/dependents';
import { create as createDocument } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { readLinesSql, readRawTables } from '#store/raw-tables';
import { edit, given, mustReadLive, type Resource, restore, softDelete } from '#store/resource';
import type { ModelKey } from '#store/source-access';
import { makeId, now, type Store } from '#store/store';

type Here = Pick<Platform, 'store' | 'config'>;

/** A data set's address. */
export interface DatasetKey extends ModelKey {
  readonly dataset: string;
}

/** A data set as an editable noun. */
export function resourceOf({ tenant, model, dataset }: DatasetKey): Resource<Dataset> {
  return {
    path: paths.dataset(tenant, model, dataset),
    schema: Dataset,
    what: 'data set',
    noun: 'dataset',
  };
}

/** Writes a new data set, checked as far as its tables are loaded. */
export async function create(
  here: Here,
  tenant: Tenant,
  model: string,
  actor: string,
  definition: DatasetDefinition,
): Promise<Dataset> {
  const { store } = here;
  await mustBeThere(store, tenant.id, model);
  await check(here, tenant, model, definition);
  return write(store, { tenant: tenant.id, model }, actor, definition);
}

/** Writes a data set like another one, under another name. */
export async function clone(store: Store, key: DatasetKey, actor: string, name: string): Promise<Dataset> {
  await mustBeThere(store, key.tenant, key.model);
  const { value } = await mustReadLive(store, resourceOf(key));
  return write(store, key, actor, { ...definitionOf(value), name });
}

function write(
  store: Store,
  { tenant, model }: ModelKey,
  actor: string,
  definition: DatasetDefinition,
): Promise<Dataset> {
  const at = now(store);
  const dataset: Dataset = {
    ...withoutGaps(definition),
    id: makeId(store, 'd'),
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  };
  const path = paths.dataset(tenant, model, dataset.id);
  return createDocument(store, path, Dataset, dataset, {
    audit: { tenant, actor, action: 'dataset.create', target: path },
  });
}

/** Parts of a definition to be replaced; a part left out stays. */
export type DatasetEdit = { readonly [K in keyof DatasetDefinition]?: DatasetDefinition[K] | undefined } & {
  readonly expectedUpdatedAt?: string | undefined;
};

/**
 * Changes parts of a data set, checked as a whole; runs that have begun keep the lines they have extracted.
 * @throws TerminalError `not-found`, `conflict`, and what `create` throws
 */
export async function change(
  here: Here,
  tenant: Tenant,
  key: DatasetKey,
  actor: string,
  { expectedUpdatedAt, ...parts }: DatasetEdit,
): Promise<Dataset> {
  const { store } = here;
  await mustBeThere(store, key.tenant, key.model);
  return edit(store, resourceOf(key), { tenant: key.tenant, actor }, expectedUpdatedAt, async (current) => {
    const definition = withoutGaps({ ...definitionOf(current), ...given(parts) });
    await check(here, tenant, key.model, definition);
    return { patch: definition };
  });
}

/** Deletes a data set. @throws TerminalError `in-use` while a schedule or an active run uses it */
export function remove(store: Store, key: DatasetKey, actor: string): Promise<Dataset> {
  return softDelete(store, resourceOf(key), { tenant: key.tenant, actor }, () =>
    dependentsOfDataset(store, key, key.dataset),
  );
}

/** Undoes a deletion. @throws TerminalError `not-found` once it is purged, or while its model is deleted */
export async function undelete(store: Store, key: DatasetKey, actor: string): Promise<Dataset> {
  await mustBeThere(store, key.tenant, key.model);
  return restore(store, resourceOf(key), { tenant: key.tenant, actor });
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

function definitionOf({ name, tables, joins, roles, cleaning }: DatasetDefinition): DatasetDefinition {
  return { name, tables, joins, roles, cleaning };
}

/** Roles left out are absent from the document: Firestore keeps no undefined. */
function withoutGaps(definition: DatasetDefinition): DatasetDefinition {
  const roles = Object.fromEntries(Object.entries(definition.roles).filter(([, ref]) => ref !== undefined));
  // The roles that are there are the roles that were there.
  return { ...definition, roles: roles as DatasetDefinition['roles'] };
}
