import { createHash } from 'node:crypto';
import { openFiles } from '#cloud/storage';
import type { ConnectorContext, ObjectReader, SourceAccess } from '#connectors/connector';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { TerminalError } from '#core/errors';
import { newId } from '#core/ids';
import { paths } from '#core/paths';
import { Credentials, type Source } from '#core/source';
import { seal, unseal, unsealWith } from './seal.ts';
import type { Store } from './store.ts';

/** The model a source belongs to. */
export interface ModelKey {
  readonly tenant: string;
  readonly model: string;
}

/** What of the installation's configuration a connection to a source needs. */
export interface SourceWorld {
  readonly projectId: string;
  readonly bucket: string;
  /** In functions. In a container its getter throws: nothing there may seal, or open what is another tenant's. */
  readonly installationKey: Uint8Array;
  /** In a container: its tenant's key, which is then used instead. */
  readonly tenantKey?: Uint8Array | undefined;
  readonly allowedHosts: readonly string[];
}

/** Where a model's uploads lie in the installation's bucket: `gs://<bucket>/<tenant>/<model>/uploads/`. */
export function uploadPrefix(bucket: string, { tenant, model }: ModelKey): string {
  return `gs://${bucket}/${tenant}/${model}/uploads/`;
}

/**
 * Refuses objects of the installation's own bucket that are not this model's uploads: other tenants' files, models and
 * staged rows are there too. Other buckets are the customer's, and Cloud Storage itself decides.
 * @throws TerminalError `object-forbidden`
 */
export function checkObject(uri: string, bucket: string, key: ModelKey): void {
  const ours = uri.startsWith(`gs://${bucket}/`);
  // Object names are no paths, but something on the way may take them for one.
  const climbs = /(^|[/\\])\.\.?([/\\]|$)/.test(uri);
  if (!climbs && (!ours || uri.startsWith(uploadPrefix(bucket, key)))) return;
  throw new TerminalError('object-forbidden', `"${uri.slice(0, 300)}" is not one of this model’s uploads.`, {
    remedy:
      'Upload the file and use the address that the upload answered with, or name a bucket of your own.',
  });
}

/** What a connector may use of the world on behalf of one model. */
export function sourceContext(world: SourceWorld, key: ModelKey): ConnectorContext {
  const files = openFiles(world.projectId);
  const objects: ObjectReader = {
    async stat(uri) {
      checkObject(uri, world.bucket, key);
      return files.stat(uri);
    },
    async *open(uri, generation) {
      checkObject(uri, world.bucket, key);
      yield* files.read(uri, generation);
    },
  };
  return {
    hosts: makeHostGuard(parseAllowedHosts(world.allowedHosts.join(','))),
    objects,
    now: () => performance.now(),
  };
}

/** Seals a source's credentials: nothing but a connector's session sees them again. */
export function sealCredentials(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: string,
  credentials: Credentials,
): Promise<void> {
  const path = paths.source(key.tenant, key.model, source);
  return seal(store, world.installationKey, key.tenant, path, JSON.stringify(credentials));
}

/** Settings and credentials of a source, for its connector alone. */
export async function accessOf(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: Source,
): Promise<SourceAccess> {
  const path = paths.source(key.tenant, key.model, source.id);
  const text =
    world.tenantKey === undefined
      ? await unseal(store, world.installationKey, key.tenant, path)
      : await unsealWith(store, world.tenantKey, key.tenant, path);
  return {
    settings: source.settings,
    credentials: text === null ? null : Credentials.parse(JSON.parse(text)),
  };
}

/** The id of a source's table: always the same for the same name. */
export function tableId(name: string): string {
  return newId('t', createHash('sha256').update(name, 'utf8').digest());
}
