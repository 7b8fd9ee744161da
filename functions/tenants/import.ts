import { ConflictError, type Write } from '#cloud/firestore';
import type { Files } from '#cloud/storage';
import type { Warehouse } from '#cloud/bigquery';
import { TerminalError, type Failure } from '#core/errors';
import { announce } from '#core/events';
import { checkQuota } from '#core/limits';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import { type Missing, TenantImport } from '#core/tenant-file';
import { mustRead, read, revise } from '#store/document';
import { commitChange, makeId, now, type Store } from '#store/store';
import { type Arrived, type Destination, readFile } from './read-file.ts';

/** Documents of one batch, and characters of their JSON: a request of Firestore's takes 10 MiB. */
const BATCH = { documents: 200, characters: 3_000_000 } as const;

/** What must be set again is named up to so many; the count says the rest. */
const NAMED = 200;

/** Where an import's file is put. */
export function importUri(bucket: string, tenant: string, id: string): string {
  return `gs://${bucket}/${tenant}/imports/${id}.jsonl.gz`;
}

/** Begins an import. @throws TerminalError `tenant-not-empty` */
export async function createImport(store: Store, tenant: string, actor: string): Promise<TenantImport> {
  await mustBeEmpty(store, tenant);
  const id = makeId(store, 'i');
  const path = paths.import(tenant, id);
  const wanted: TenantImport = {
    id,
    status: 'awaiting-file',
    requestedBy: actor,
    createdAt: now(store),
    finishedAt: null,
    documents: null,
    leftOut: null,
    missing: [],
    failure: null,
  };
  await commitChange(store, {
    writes: [{ kind: 'create', path, data: wanted }],
    audit: { tenant, actor, action: 'import.create', target: path },
  });
  return wanted;
}

/**
 * Has the file read in; a failed import can be started again. One import at a time has the tenant.
 * @throws TerminalError `not-found`, `object-missing`, `tenant-not-empty`, `import-active`
 */
export async function startImport(
  store: Store,
  files: Pick<Files, 'stat'>,
  tenant: Tenant,
  id: string,
  actor: string,
): Promise<TenantImport> {
  const path = paths.import(tenant.id, id);
  const { value } = await mustRead(store, path, TenantImport, 'import');
  if (value.status === 'queued' || value.status === 'done') return value;
  if (value.status === 'awaiting-file') await mustBeEmpty(store, tenant.id);
  if ((await files.stat(importUri(tenant.cloud.bucket, tenant.id, id))) === null)
    throw new TerminalError('object-missing', 'The import’s file is not there yet.', {
      remedy: 'Upload it to the address that the import was begun with, then start it.',
    });
  const lock = lockOf(tenant.id);
  try {
    const started = await revise(store, path, TenantImport, (current) =>
      current.status === 'queued' || current.status === 'done'
        ? null
        : {
            value: { ...current, status: 'queued' as const, failure: null, finishedAt: null },
            writes: [{ kind: 'create', path: lock, data: { import: id } }],
            announcements: [announce('tenant-import-requested', { tenant: tenant.id, import: id })],
            audit: { tenant: tenant.id, actor, action: 'import.start', target: path },
          },
    );
    return started ?? value;
  } catch (error) {
    if (!(error instanceof ConflictError) || (await store.db.get(lock)) === null) throw error;
    throw new TerminalError('import-active', 'Another import of this tenant is under way.', {
      remedy: 'Wait until it has ended.',
    });
  }
}

/**
 * Reads the file in: once to its end without writing anything, so that what is wrong with it leaves no trace, then again.
 * Killed anywhere it may run again and writes the same.
 */
export async function runImport(
  store: Store,
  files: Pick<Files, 'read'>,
  warehouse: Pick<Warehouse, 'ensureDataset'>,
  tenant: Tenant,
  id: string,
): Promise<void> {
  const path = paths.import(tenant.id, id);
  const { value } = await mustRead(store, path, TenantImport, 'import');
  if (value.status !== 'queued') return;
  const { bucket } = tenant.cloud;
  const to: Destination = { import: id, tenant: tenant.id, bucket, at: value.createdAt };
  const uri = importUri(bucket, tenant.id, id);
  const missing: Missing[] = [];
  let documents = 0;
  let models = 0;
  let leftOut = 0;
  const notes = {
    onMissing: (one: Missing) => void (missing.length < NAMED && missing.push(one)),
    onLeftOut: () => void leftOut++,
  };
  for await (const { collection } of readFile(files, uri, to, notes)) {
    documents++;
    if (collection.path === 'models/*') models++;
  }
  checkQuota(tenant, 'models', models - 1);
  for await (const batch of batches(readFile(files, uri, to))) {
    for (const { collection, path: below } of batch)
      if (collection.path === 'models/*')
        await ensureDatasets(warehouse, tenant, below.slice('models/'.length));
    await store.db.commit(await planWrites(store, tenant.id, batch));
  }
  await revise(store, path, TenantImport, (current) =>
    current.status === 'queued'
      ? {
          value: { ...current, status: 'done' as const, documents, leftOut, missing, finishedAt: now(store) },
          writes: [{ kind: 'delete', path: lockOf(tenant.id) }],
          audit: {
            tenant: tenant.id,
            actor: current.requestedBy,
            action: 'tenant.import',
            target: path,
            after: { documents, leftOut },
          },
        }
      : null,
  );
}

/** Records that an import came to nothing; it can be started again. */
export async function failImport(store: Store, tenant: string, id: string, failure: Failure): Promise<void> {
  const path = paths.import(tenant, id);
  if ((await read(store, path, TenantImport)) === null) return;
  await revise(store, path, TenantImport, (current) =>
    current.status === 'queued'
      ? {
          value: { ...current, status: 'failed' as const, failure: { ...failure }, finishedAt: now(store) },
          writes: [{ kind: 'delete', path: lockOf(tenant) }],
        }
      : null,
  );
}

/**
 * What of a batch is to be written: what is not there yet. What is stays as it is: it was brought by a former try, and people
 * may have changed it since; or it is an entry of the audit that is this tenant's own, or that a block has sealed.
 */
async function planWrites(store: Store, tenant: string, batch: readonly Arrived[]): Promise<Write[]> {
  const writes = batch.map(({ path, data }) => ({
    kind: 'create' as const,
    path: `${paths.tenant(tenant)}/${path}`,
    data,
  }));
  const found = await store.db.getAll(writes.map(({ path }) => path));
  const there = new Set(found.flatMap((one) => (one === null ? [] : [one.path])));
  return writes.filter(({ path }) => !there.has(path));
}

async function ensureDatasets(
  warehouse: Pick<Warehouse, 'ensureDataset'>,
  tenant: Tenant,
  model: string,
): Promise<void> {
  const names = Object.values(datasetNames(tenant.cloud, tenant.id, model));
  await Promise.all(names.map((name) => warehouse.ensureDataset(name)));
}

async function* batches(documents: AsyncIterable<Arrived>): AsyncIterable<Arrived[]> {
  let batch: Arrived[] = [];
  let characters = 0;
  for await (const document of documents) {
    batch.push(document);
    characters += JSON.stringify(document.data).length;
    if (batch.length < BATCH.documents && characters < BATCH.characters) continue;
    yield batch;
    [batch, characters] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

async function mustBeEmpty(store: Store, tenant: string): Promise<void> {
  const models = await store.db.count(paths.models(tenant));
  if (models > 0)
    throw new TerminalError('tenant-not-empty', `The tenant has ${models} models.`, {
      remedy: 'Import into a tenant without models: sign up a new one.',
    });
}

function lockOf(tenant: string): string {
  return `${paths.tenant(tenant)}/locks/import`;
}
