import { openFiles } from '#cloud/storage';
import { toMoment } from '#core/ids';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import { TenantExport, type TenantImport } from '#core/tenant-file';
import type { Config } from '#runtime/config';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import { exportUri } from './export.ts';
import { createImport, importUri } from './import.ts';

/** How long an address to download from holds. */
const ADDRESS_SECONDS = 600;

/** An address from which an export's file can be had for a while. @throws TerminalError `not-found`, `export-not-there` */
export async function addressOf(
  store: Store,
  config: Pick<Config, 'projectId'>,
  tenant: Tenant,
  id: string,
): Promise<{ address: string; expiresAt: string }> {
  const { value } = await mustRead(store, paths.export(tenant.id, id), TenantExport, 'export');
  if (value.status !== 'done')
    throw new TerminalError('export-not-there', `The export is ${value.status}: it has no file now.`, {
      remedy: value.status === 'queued' ? 'Wait until it is done.' : 'Ask for a new export.',
    });
  const address = await openFiles(config.projectId).downloadAddress(
    exportUri(tenant.cloud.bucket, tenant.id, id),
    { seconds: ADDRESS_SECONDS, fileName: `${tenant.id}-${value.createdAt.slice(0, 10)}.jsonl.gz` },
  );
  return { address, expiresAt: toMoment(store.clock() + ADDRESS_SECONDS * 1000) };
}

/** Begins an import, with the address that takes its file. @throws TerminalError `tenant-not-empty` */
export async function beginImport(
  store: Store,
  config: Pick<Config, 'projectId'>,
  tenant: Tenant,
  request: { readonly actor: string; readonly bytes: number; readonly origin: string | undefined },
): Promise<{ import: TenantImport; address: string }> {
  const made = await createImport(store, tenant.id, request.actor);
  const address = await openFiles(config.projectId).uploadAddress(
    importUri(tenant.cloud.bucket, tenant.id, made.id),
    {
      contentType: 'application/gzip',
      bytes: request.bytes,
      ...(request.origin === undefined ? {} : { origin: request.origin }),
    },
  );
  return { import: made, address };
}
