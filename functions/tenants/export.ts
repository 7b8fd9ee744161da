import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Files } from '#cloud/storage';
import { announce } from '#core/events';
import type { Failure } from '#core/errors';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import { CARRIED, type Carried } from '#core/tenant-collections';
import { EXPORT_DAYS, type FileDocument, TenantExport } from '#core/tenant-file';
import { create, mustRead, read, revise } from '#store/document';
import { makeId, now, type Store } from '#store/store';

/** Documents read at a time. */
const PAGE = 300;

/** What an export holds, said in its own first line. */
const HOLDS =
  'Configuration (members, keys without secrets, models, sources, tables, data sets, pipeline configurations, schedules) and history (runs, versions, aliases, deployments, usage, audit). Not: warehouse data, uploads, artifacts, logs, credentials.';

/** Where an export's file lies. */
export function exportUri(bucket: string, tenant: string, id: string): string {
  return `gs://${bucket}/${tenant}/exports/${id}.jsonl.gz`;
}

/** Asks for an export. */
export async function requestExport(store: Store, tenant: string, actor: string): Promise<TenantExport> {
  const id = makeId(store, 'x');
  const path = paths.export(tenant, id);
  const wanted: TenantExport = {
    id,
    status: 'queued',
    requestedBy: actor,
    createdAt: now(store),
    finishedAt: null,
    expiresAt: null,
    documents: null,
    bytes: null,
    failure: null,
  };
  return create(store, path, TenantExport, wanted, {
    announcements: [announce('tenant-export-requested', { tenant, export: id })],
    audit: { tenant, actor, action: 'tenant.export', target: path },
  });
}

/** Writes the file. May run again, and then writes it again; nothing is listed as done that is not whole. */
export async function writeExport(
  store: Store,
  files: Pick<Files, 'openWriter' | 'stat'>,
  tenant: Tenant,
  id: string,
): Promise<void> {
  const path = paths.export(tenant.id, id);
  if ((await mustRead(store, path, TenantExport, 'export')).value.status !== 'queued') return;
  const uri = exportUri(tenant.cloud.bucket, tenant.id, id);
  let documents = 0;
  const lines = async function* () {
    const header = { format: 'tradewind-tenant', version: 1, tenant: tenant.id, name: tenant.name };
    yield line({ ...header, exportedAt: now(store), holds: HOLDS });
    for (const collection of CARRIED)
      for await (const document of documentsOf(store, tenant.id, collection)) {
        documents++;
        yield line(document);
      }
    yield line({ end: true, documents });
  };
  const writer = files.openWriter(uri, 'application/gzip');
  try {
    const packed = Readable.from(lines(), { objectMode: false }).compose(createGzip());
    // A gzip stream yields Buffers, which the composed stream's type does not say.
    for await (const chunk of packed as AsyncIterable<Buffer>) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    writer.abort();
    throw error;
  }
  const bytes = (await files.stat(uri))?.bytes ?? 0;
  await revise(store, path, TenantExport, (value) =>
    value.status === 'queued'
      ? {
          value: {
            ...value,
            status: 'done' as const,
            documents,
            bytes,
            finishedAt: now(store),
            expiresAt: toMoment(store.clock() + EXPORT_DAYS * 86_400_000),
          },
        }
      : null,
  );
}

/** Records that an export came to nothing. */
export async function failExport(store: Store, tenant: string, id: string, failure: Failure): Promise<void> {
  if ((await read(store, paths.export(tenant, id), TenantExport)) === null) return;
  await revise(store, paths.export(tenant, id), TenantExport, (value) =>
    value.status === 'queued'
      ? { value: { ...value, status: 'failed' as const, failure: { ...failure }, finishedAt: now(store) } }
      : null,
  );
}

/** Removes the files whose time is over. @returns how many. */
export async function removeExpired(
  store: Store,
  files: Pick<Files, 'delete'>,
  bucketOf: (tenant: string) => Promise<string | null>,
): Promise<number> {
  const due = await store.db.listGroup('exports', {
    where: [
      ['expiresAt', '>', ''],
      ['expiresAt', '<=', now(store)],
    ],
    limit: 100,
  });
  for (const { path, id } of due) {
    const tenant = path.split('/')[1] ?? '';
    const bucket = await bucketOf(tenant);
    if (bucket !== null) await files.delete(exportUri(bucket, tenant, id));
    await revise(store, path, TenantExport, (value) => ({
      value: { ...value, status: 'expired' as const, expiresAt: null },
    }));
  }
  return due.length;
}

/** The documents of one carried collection, each by its path below the tenant. */
async function* documentsOf(
  store: Pick<Store, 'db'>,
  tenant: string,
  { path, schema }: Carried,
): AsyncIterable<FileDocument> {
  const root = `${paths.tenant(tenant)}/`;
  for await (const collection of expand(store, root, path.split('/').slice(0, -1)))
    for (let after: string | undefined; ;) {
      const page = await store.db.list(collection, {
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const found of page) yield { path: found.path.slice(root.length), data: schema.parse(found.data) };
      after = page.at(-1)?.path;
      if (after === undefined || page.length < PAGE) break;
    }
}

/** The collections that a pattern stands for: each `*` in it is every document there is, or that has something below it. */
async function* expand(
  store: Pick<Store, 'db'>,
  root: string,
  pattern: readonly string[],
): AsyncIterable<string> {
  const star = pattern.indexOf('*');
  if (star === -1) {
    yield root + pattern.join('/');
    return;
  }
  const collection = root + pattern.slice(0, star).join('/');
  for (const document of await store.db.documents(collection))
    yield* expand(store, `${document}/`, pattern.slice(star + 1));
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
