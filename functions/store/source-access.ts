import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Write } from '#cloud/firestore';
import { type Files, openFiles, splitUri } from '#cloud/storage';
import type { ConnectorContext, ObjectReader, SourceAccess } from '#connectors/connector';
import { objectChanged } from '#connectors/files/pinned';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { TerminalError } from '#core/errors';
import { newId } from '#core/ids';
import { paths } from '#core/paths';
import { Credentials, signInPlace, type Source } from '#core/source';
import { Tenant } from '#core/tenant';
import { cloudSqlFor } from './cloud-sql-access.ts';
import { bigQueryFor, TENANT_LABEL } from './dataset-access.ts';
import { mustRead } from './document.ts';
import type { InstallationKeys } from '#core/installation-keys';
import { sealedPath, sealText, unseal, unsealWith } from './seal.ts';
import { type TenantKeys, tenantKeysOf } from './tenant-keys.ts';
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
  readonly installationKeys: InstallationKeys;
  /** In a container: its tenant's keys, which are then used instead. */
  readonly tenantKeys?: TenantKeys | undefined;
  readonly allowedHosts: readonly string[];
  readonly endpoints: { readonly bigquery: string | undefined; readonly cloudSql?: string | undefined };
}

/** Where a model's uploads lie in the installation's bucket: `gs://<bucket>/<tenant>/<model>/uploads/`. */
export function uploadPrefix(bucket: string, { tenant, model }: ModelKey): string {
  return `gs://${bucket}/${tenant}/${model}/uploads/`;
}

/** What decides whether an object may be read: see `checkObject`. */
export interface ObjectPolicy {
  /** The installation's own bucket. */
  readonly installation: string;
  /** The bucket of the tenant's artifacts; often the installation's. */
  readonly tenant: string;
  /** Labels of a bucket, by its name. */
  readonly labelsOf: (bucket: string) => Promise<Readonly<Record<string, string>>>;
}

/**
 * Refuses every object that is neither this model's upload nor in a bucket that is labelled for this tenant. All tenants
 * are read for by one service account: what it may read says nothing about who asks.
 * @throws TerminalError `object-forbidden`
 */
export async function checkObject(uri: string, policy: ObjectPolicy, key: ModelKey): Promise<void> {
  // Object names are no paths, but something on the way may take them for one.
  const climbs = /(^|[/\\])\.\.?([/\\]|$)/.test(uri);
  if (!climbs && uri.startsWith(uploadPrefix(policy.installation, key))) return;
  const shown = uri.slice(0, 300);
  const { bucket } = splitUri(uri);
  if (climbs || bucket === policy.installation || bucket === policy.tenant)
    throw new TerminalError('object-forbidden', `"${shown}" is not one of this model’s uploads.`, {
      remedy:
        'Upload the file and use the address that the upload answered with, or name a bucket of your own.',
    });
  const remedy = `Set the label ${TENANT_LABEL}=${key.tenant} on the bucket "${bucket}" and give the installation’s service account the roles Storage Object Viewer and Storage Bucket Viewer on it; or upload the file.`;
  let labels: Readonly<Record<string, string>>;
  try {
    labels = await policy.labelsOf(bucket);
  } catch (cause) {
    if (!(cause instanceof TerminalError)) throw cause;
    throw new TerminalError('object-forbidden', `The labels of the bucket of "${shown}" cannot be read.`, {
      remedy,
      cause,
    });
  }
  if (labels[TENANT_LABEL] !== key.tenant)
    throw new TerminalError('object-forbidden', `The bucket of "${shown}" is not labelled for this tenant.`, {
      remedy,
    });
}

/** The policy for objects that one tenant names; labels are asked for once per bucket. */
export async function objectPolicy(
  store: Pick<Store, 'db'>,
  world: SourceWorld,
  tenant: string,
): Promise<ObjectPolicy> {
  return objectPolicyOf((await mustRead(store, paths.tenant(tenant), Tenant, 'tenant')).value.cloud, world);
}

function objectPolicyOf(cloud: Tenant['cloud'], world: SourceWorld): ObjectPolicy {
  const files = openFiles(world.projectId);
  const known = new Map<string, Promise<Readonly<Record<string, string>>>>();
  return {
    installation: world.bucket,
    tenant: cloud.bucket,
    labelsOf(bucket) {
      const labels = known.get(bucket) ?? files.bucketLabels(bucket);
      known.set(bucket, labels);
      return labels;
    },
  };
}

/** What a connector may use of the world on behalf of one model. */
export async function sourceContext(
  store: Pick<Store, 'db'>,
  world: SourceWorld,
  key: ModelKey,
): Promise<ConnectorContext> {
  const files = openFiles(world.projectId);
  const { cloud } = (await mustRead(store, paths.tenant(key.tenant), Tenant, 'tenant')).value;
  const policy = objectPolicyOf(cloud, world);
  const { datasetPrefix, location } = cloud;
  const kept = [cloud.projectId, world.projectId].map((projectId) => ({ projectId, datasetPrefix }));
  return {
    hosts: makeHostGuard(parseAllowedHosts(world.allowedHosts.join(','))),
    objects: objectsIn(files, (uri) => checkObject(uri, policy, key)),
    bigQuery: (keyFile) =>
      bigQueryFor({ tenant: key.tenant, kept, location }, world.endpoints.bigquery, keyFile),
    cloudSql: (keyFile) => cloudSqlFor(key.tenant, world.endpoints.cloudSql, keyFile),
    now: () => performance.now(),
  };
}

/** The objects of Cloud Storage, each call after `check` has let its address pass. */
export function objectsIn(files: Files, check: (uri: string) => Promise<void>): ObjectReader {
  return {
    async stat(uri) {
      await check(uri);
      return files.stat(uri);
    },
    async *open(uri, generation) {
      await check(uri);
      yield* ofOneVersion(uri, files.read(uri, generation));
    },
    async range(uri, generation, start, end) {
      await check(uri);
      const chunks: Uint8Array[] = [];
      const found = ofOneVersion(uri, files.read(uri, generation, { start, end }));
      for await (const chunk of found) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    async *list(prefix) {
      await check(prefix);
      yield* files.listPages(prefix);
    },
  };
}

/**
 * What is read of one version of an object, which was there when the reading was planned.
 * @throws TransientError `object-changed` where it is not any more
 */
export async function* ofOneVersion(
  uri: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    if (error instanceof TerminalError && error.code === 'object-missing') throw objectChanged(uri, error);
    throw error;
  }
}

/** What is sealed of a source: its credentials, and the place they are for. */
const SealedCredentials = z.object({ place: z.string().nullable(), credentials: Credentials });

/**
 * The write that seals a source's credentials for the place its settings name: nothing but a connector's session sees
 * them again, and never one to another host, port, database or user.
 */
export async function sealCredentials(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: Pick<Source, 'id' | 'settings'>,
  credentials: Credentials,
): Promise<Write> {
  const path = paths.source(key.tenant, key.model, source.id);
  const keys = await tenantKeysOf(store, world.installationKeys, key.tenant);
  const text = JSON.stringify({ place: signInPlace(source.settings), credentials });
  return {
    kind: 'set',
    path: sealedPath(path),
    data: sealText(store, keys, key.tenant, path, text),
  };
}

/** The write that forgets a source's credentials. */
export function forgetCredentials(key: ModelKey, source: string): Write {
  return { kind: 'delete', path: sealedPath(paths.source(key.tenant, key.model, source)) };
}

/** Settings and credentials of a source, for its connector alone; those given for another place count as none. */
export async function accessOf(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: Source,
): Promise<SourceAccess> {
  const path = paths.source(key.tenant, key.model, source.id);
  const text =
    world.tenantKeys === undefined
      ? await unseal(store, world.installationKeys, key.tenant, path)
      : await unsealWith(store, world.tenantKeys, key.tenant, path);
  const sealed = text === null ? null : SealedCredentials.parse(JSON.parse(text));
  // Both were read one after the other: somebody may have changed the source in between.
  const fits = sealed !== null && sealed.place === signInPlace(source.settings);
  return { settings: source.settings, credentials: fits ? sealed.credentials : null };
}

/** The id of a source's table: always the same for the same name, and another in every source. */
export function tableId(source: string, name: string): string {
  return newId('t', createHash('sha256').update(`${source}\n${name}`, 'utf8').digest());
}
