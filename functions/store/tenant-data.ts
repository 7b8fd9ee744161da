import { openWarehouse } from '#cloud/bigquery';
import type { Snapshot, Where } from '#cloud/firestore';
import { openScheduler } from '#cloud/scheduler';
import { openFiles } from '#cloud/storage';
import { openWorkloads } from '#cloud/workloads';
import { paths } from '#core/paths';
import type { TenantCloud } from '#core/tenant';
import type { Store } from './store.ts';

/*
 * Everything of a tenant outside and inside its own Firestore tree, by where it is kept. This is the list that makes a
 * deletion complete: whatever keeps something that names a tenant has a line here.
 */

/** A place where things of tenants are kept. */
export interface Keeper {
  /** As the certificate names it. */
  readonly name: string;
  /** What there is of the tenant now. */
  readonly find: () => Promise<readonly Found[]>;
}

/** One thing of the tenant. `remove` may be called again, and says how many things went with it. */
export interface Found {
  readonly what: string;
  readonly remove: () => Promise<number>;
}

/** What of the installation's configuration the keepers need. */
export interface TenantDataPlace {
  readonly projectId: string;
  readonly location: string;
  readonly bucket: string;
  readonly endpoints: {
    readonly bigquery: string | undefined;
    readonly run: string | undefined;
    readonly aiplatform: string | undefined;
    readonly scheduler: string | undefined;
  };
}

/** Entries read at a time; what is left is found by the next look. */
const PAGE = 500;

/** The variable by which a container is told whose it is. */
const VARIABLE = 'TRADEWIND_TENANT';

/**
 * The keepers of one tenant's things, in the order in which they are to be emptied: first what starts work, then work,
 * then what work has made, and the tenant's own documents last.
 */
export function keepersOf(
  store: Store,
  here: TenantDataPlace,
  tenant: string,
  cloud: TenantCloud,
): readonly Keeper[] {
  const { endpoints } = here;
  const files = openFiles(here.projectId);
  const scheduler = openScheduler(here);
  const warehouse = openWarehouse({ ...cloud, endpoints });
  // Containers run in the installation's project or in the tenant's own.
  const workloads = [openWorkloads(here), openWorkloads({ ...cloud, endpoints })];

  const documents = (name: string, collection: string, where: Where): Keeper => ({
    name,
    find: async () => (await store.db.list(collection, { where, limit: PAGE })).map(document),
  });
  const document = ({ path }: Pick<Snapshot, 'path'>): Found => ({
    what: path,
    remove: async () => {
      await store.db.commit([{ kind: 'delete', path }]);
      return 1;
    },
  });

  return [
    documents('watchdog entries', paths.watch, [['tenant', '==', tenant]]),
    documents('waiting messages', paths.outbox, [['payload.tenant', '==', tenant]]),
    {
      name: 'schedules in Cloud Scheduler',
      find: async () =>
        (await scheduler.listJobs('tw-'))
          .filter(({ data }) => namesTenant(data, tenant))
          .map(({ id }) => ({ what: id, remove: async () => (await scheduler.deleteJob(id), 1) })),
    },
    {
      name: 'services and jobs in Cloud Run and Vertex AI',
      async find() {
        const found = new Map<string, Found>();
        for (const platform of new Set(workloads))
          for (const one of await platform.withVariable(VARIABLE, tenant))
            found.set(one.name, { what: one.name, remove: async () => (await platform.remove(one), 1) });
        return [...found.values()];
      },
    },
    {
      name: 'data sets in BigQuery',
      find: async () =>
        (await warehouse.listDatasets(`${cloud.datasetPrefix}${tenant}_`)).map((dataset) => ({
          what: dataset,
          remove: async () => (await warehouse.deleteDataset(dataset), 1),
        })),
    },
    {
      name: 'objects in Cloud Storage',
      async find() {
        const buckets = [...new Set([here.bucket, cloud.bucket])];
        const lists = await Promise.all(buckets.map((bucket) => files.list(`gs://${bucket}/${tenant}/`)));
        return lists
          .flat()
          .map(({ uri }) => ({ what: uri, remove: async () => (await files.delete(uri), 1) }));
      },
    },
    documents('sealed secrets', 'sealed', [['tenant', '==', tenant]]),
    documents('API keys’ hashes', 'keyHashes', [['tenant', '==', tenant]]),
    documents('remembered answers', 'idempotency', [['tenant', '==', tenant]]),
    documents('dead letters', paths.deadLetters, [['tenant', '==', tenant]]),
    documents('rate limits', 'rateLimits', [['tenant', '==', tenant]]),
    {
      // Signing up names no tenant in its path; what it was answered does, and is kept for a day.
      name: 'remembered sign-ups',
      find: async () =>
        (await store.db.list('idempotency', { where: [['tenant', '==', null]], limit: 10 * PAGE }))
          .filter(({ data }) => String(data['body']).includes(tenant))
          .map(document),
    },
    {
      name: 'documents in Firestore',
      async find() {
        const path = paths.tenant(tenant);
        const [below, itself] = await Promise.all([store.db.collections(path), store.db.get(path)]);
        return below.length === 0 && itself === null
          ? []
          : [{ what: path, remove: () => store.db.deleteTree(path) }];
      },
    },
  ];
}

/** Whether a message's data says that it is about the tenant. */
function namesTenant(data: string, tenant: string): boolean {
  try {
    const parsed: unknown = JSON.parse(data);
    return Object(parsed).tenant === tenant;
  } catch {
    return false;
  }
}
