/*
 * What was deleted longer ago than it can be restored, removed everywhere: a model with its warehouse datasets, objects,
 * service and secrets; a source with its secrets and raw tables; a version with its artifact; data sets and
 * configurations. Each step may run again, and the document goes last: a process that dies in between leaves it to the
 * next tick.
 */
import { openWarehouse } from '#cloud/bigquery';
import type { Snapshot } from '#cloud/firestore';
import { openContainerPlatform } from '#cloud/run';
import { openFiles } from '#cloud/storage';
import { ApiKey } from '#core/api-key';
import { toError } from '#core/errors';
import { Dataset } from '#core/dataset';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { rawTablesOf, SourceTable } from '#core/source';
import { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import type { Platform } from '#runtime/platform';
import { mustRead, readAll, revise } from '#store/document';
import { purgeDeleted } from '#store/resource';
import { sealedPath } from '#store/seal';
import { forgetCredentials } from '#store/source-access';
import { commitChange, now, type Store } from '#store/store';
import { forgetStatement, namesInLedger, SPEAKING } from './purge-sql.ts';

type Here = Pick<Platform, 'store' | 'config' | 'log'>;

interface Place {
  readonly tenant: string;
  readonly model: string;
  readonly id: string;
}

/** Removes one thing; false where it has to wait for something else. */
type Purge = (here: Here, place: Place, found: Snapshot) => Promise<boolean>;

/** By collection, in the order in which they are looked through. */
const PURGES: Readonly<Record<string, { readonly noun: string; readonly purge: Purge }>> = {
  models: { noun: 'model', purge: purgeModel },
  sources: { noun: 'source', purge: purgeSource },
  datasets: { noun: 'dataset', purge: purgeDocument },
  pipelineConfigs: { noun: 'pipeline-config', purge: purgeDocument },
  versions: { noun: 'version', purge: purgeVersion },
};

/**
 * Removes what is due, at most 50 of each kind at a time. One kind that fails keeps no other.
 * @returns how many things were removed
 */
export async function purgeWhatIsDue(here: Here): Promise<number> {
  let purged = 0;
  const errors: unknown[] = [];
  for (const [group, { noun, purge }] of Object.entries(PURGES)) {
    try {
      purged += await purgeDeleted(here.store, group, async (found) => {
        const place = placeOf(found.path);
        if (place === null || !(await purge(here, place, found))) return false;
        await removeDocument(here.store, place.tenant, noun, found);
        here.log.info('purged', { noun, path: found.path });
        return true;
      });
    } catch (error) {
      here.log.warn('not purged', { noun, error: toError(error).message });
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return purged;
}

/** `tenants/{t}/models/{m}` or `tenants/{t}/models/{m}/<collection>/{id}`; anything else is not ours to purge. */
function placeOf(path: string): Place | null {
  const [, tenant = '', models, model = '', , id = model, ...rest] = path.split('/');
  return models === 'models' && rest.length === 0 ? { tenant, model, id } : null;
}

/** Everything below the document, then the document itself, which is what the next tick would find. */
async function removeDocument(store: Store, tenant: string, noun: string, found: Snapshot): Promise<void> {
  for (const collection of await store.db.collections(found.path))
    for (const path of await store.db.documents(collection)) await store.db.deleteTree(path);
  await commitChange(store, {
    writes: [{ kind: 'delete', path: found.path, version: found.version }],
    audit: {
      tenant,
      actor: 'system',
      action: `${noun}.purge`,
      target: found.path,
      before: { name: found.data['name'] ?? null, deletedAt: found.data['deletedAt'] ?? null },
      after: null,
    },
  });
}

async function purgeModel({ store, config }: Here, { tenant, model }: Place): Promise<boolean> {
  const { cloud } = (await mustRead(store, paths.tenant(tenant), Tenant, 'tenant')).value;
  const { endpoints } = config;
  const containers = openContainerPlatform({ ...cloud, endpoints });
  const deployments = await store.db.list(paths.deployments(tenant, model));
  const services = new Set(deployments.map(({ data }) => data['service']).filter((one) => one !== null));
  for (const service of services) await containers.deleteService(String(service));
  const warehouse = openWarehouse({ ...cloud, endpoints });
  for (const dataset of Object.values(datasetNames(cloud, tenant, model)))
    await warehouse.deleteDataset(dataset);
  await openFiles(cloud.projectId).deleteAll(`gs://${cloud.bucket}/${tenant}/${model}/`);
  await openFiles(config.projectId).deleteAll(`gs://${config.bucket}/${tenant}/${model}/`);
  for (const { id } of await store.db.list(paths.sources(tenant, model)))
    await store.db.commit([forgetCredentials({ tenant, model }, id)]);
  await revokeKeysOf(store, tenant, model);
  await removeChannelsOf(store, tenant, model);
  // By both: a tenant that was imported has its models under the ids they had.
  const watched = [
    ['tenant', '==', tenant],
    ['model', '==', model],
  ] as const;
  for (const { path } of await store.db.list(paths.watch, { where: watched }))
    await store.db.commit([{ kind: 'delete', path }]);
  return true;
}

/** Keys that are for this model alone: they open nothing any more, and say so. */
async function revokeKeysOf(store: Store, tenant: string, model: string): Promise<void> {
  const keys = await readAll(store, paths.apiKeys(tenant), ApiKey, { where: [['model', '==', model]] });
  for (const { id } of keys) {
    const path = paths.apiKey(tenant, id);
    await revise(store, path, ApiKey, (key) =>
      key.revokedAt !== null
        ? null
        : {
            value: { ...key, revokedAt: now(store) },
            audit: { tenant, actor: 'system', action: 'key.revoke', target: path },
          },
    );
  }
}

/** Alert channels that are for this model alone, with what is sealed of them. */
async function removeChannelsOf(store: Store, tenant: string, model: string): Promise<void> {
  const own = { where: [['model', '==', model]] } as const;
  for (const { path } of await store.db.list(paths.alertChannels(tenant), own))
    await store.db.commit([
      { kind: 'delete', path: sealedPath(path) },
      { kind: 'delete', path },
    ]);
}

/** A source's secrets, and its raw tables but for those that a data set reads. */
async function purgeSource({ store, config }: Here, { tenant, model, id }: Place): Promise<boolean> {
  await store.db.commit([forgetCredentials({ tenant, model }, id)]);
  const [tables, datasets, owner] = await Promise.all([
    readAll(store, paths.sourceTables(tenant, model, id), SourceTable),
    readAll(store, paths.datasets(tenant, model), Dataset),
    mustRead(store, paths.tenant(tenant), Tenant, 'tenant'),
  ]);
  const { cloud } = owner.value;
  const read = new Set(
    datasets
      .filter((one) => one.deletedAt === null)
      .flatMap((one) => one.tables.map((table) => table.destination)),
  );
  const gone = tables.flatMap(rawTablesOf).filter((name) => !read.has(name));
  if (gone.length === 0) return true;
  const warehouse = openWarehouse({ ...cloud, endpoints: config.endpoints });
  const { raw: dataset } = datasetNames(cloud, tenant, model);
  for (const table of gone) await warehouse.deleteTable({ dataset, table });
  for (const table of SPEAKING)
    if ((await warehouse.describe({ dataset, table })) !== null)
      await warehouse.query(forgetStatement(cloud.projectId, dataset, table), {
        tables: gone.flatMap(namesInLedger),
      });
  return true;
}

/** A version's artifact. The newest version's document waits for a newer one: numbers are given once. */
async function purgeVersion({ store }: Here, { tenant, model }: Place, found: Snapshot): Promise<boolean> {
  const { cloud } = (await mustRead(store, paths.tenant(tenant), Tenant, 'tenant')).value;
  const version = Version.parse(found.data);
  await openFiles(cloud.projectId).delete(version.artifact);
  const [newest] = await store.db.list(paths.versions(tenant, model), {
    orderBy: ['number', 'desc'],
    limit: 1,
  });
  return newest?.id !== version.id;
}

/** There is nothing but the document. */
async function purgeDocument(): Promise<boolean> {
  return true;
}
