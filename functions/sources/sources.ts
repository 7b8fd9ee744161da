import { TerminalError } from '#core/errors';
import { checkQuota } from '#core/limits';
import { paths } from '#core/paths';
import {
  type Credentials,
  keyTextOf,
  objectsOf,
  readTheSame,
  signInPlace,
  signsInWith,
  Source,
  type SourceSettings,
} from '#core/source';
import type { Tenant } from '#core/tenant';
import { dependentsOfSource } from '#store/dependents';
import { create, mustRead, readAll, revise } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { type Edit, edit, given, type Resource, restore, softDelete } from '#store/resource';
import {
  accessOf,
  checkObject,
  forgetCredentials,
  type ModelKey,
  objectPolicy,
  sealCredentials,
  type SourceWorld,
} from '#store/source-access';
import { makeId, now, type Store } from '#store/store';

/** A source's address. */
export interface SourceKey extends ModelKey {
  readonly source: string;
}

/** A source as an editable noun. */
export function resourceOf({ tenant, model, source }: SourceKey): Resource<Source> {
  return { path: paths.source(tenant, model, source), schema: Source, what: 'source', noun: 'source' };
}

/**
 * A new source with its credentials: both or neither. Others of the model that read the same are named (`sameAs`), for
 * that is rarely meant.
 * @throws TerminalError `not-found`, `object-forbidden`, `credentials-kind`, `quota-exceeded`
 */
export async function addSource(
  store: Store,
  world: SourceWorld,
  tenant: Tenant,
  model: string,
  actor: string,
  wanted: {
    readonly name: string;
    readonly settings: SourceSettings;
    readonly credentials?: Credentials | undefined;
  },
): Promise<Source & { sameAs: string[] }> {
  const key = { tenant: tenant.id, model };
  await mustBeThere(store, key.tenant, key.model);
  checkQuota(tenant, 'sourcesPerModel', await liveSources(store, key));
  await checkObjects(store, world, key, wanted.settings);
  if (wanted.credentials !== undefined) checkCredentials(wanted.settings, wanted.credentials);
  const at = now(store);
  const source: Source = {
    id: makeId(store, 's'),
    name: wanted.name,
    settings: wanted.settings,
    credentialsSetAt: wanted.credentials === undefined ? null : at,
    enabled: true,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  };
  const path = paths.source(key.tenant, key.model, source.id);
  const sealed =
    wanted.credentials === undefined
      ? []
      : [await sealCredentials(store, world, key, source, wanted.credentials)];
  const made = await create(store, path, Source, source, {
    writes: sealed,
    audit: { tenant: key.tenant, actor, action: 'source.create', target: path },
  });
  return { ...made, sameAs: await othersLike(store, key, made) };
}

/** What a person wants changed; what is left out stays. */
export interface SourceEdit {
  readonly name?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly settings?: SourceSettings | undefined;
  readonly credentials?: Credentials | undefined;
  readonly expectedUpdatedAt?: string | undefined;
}

/**
 * Changes a source. Its credentials are for one host, port, database and user: where one of these changes, the former
 * credentials are forgotten in the same write, so that they can never be sent to the new place.
 * @throws TerminalError `not-found`, `conflict`, `kind-fixed`, `object-forbidden`, `credentials-kind`
 */
export async function changeSource(
  store: Store,
  world: SourceWorld,
  key: SourceKey,
  actor: string,
  wanted: SourceEdit,
): Promise<Source> {
  await mustBeThere(store, key.tenant, key.model);
  const { expectedUpdatedAt, credentials, ...parts } = wanted;
  return edit(
    store,
    resourceOf(key),
    { tenant: key.tenant, actor },
    expectedUpdatedAt,
    async (source): Promise<Edit<Source>> => {
      const settings = parts.settings ?? source.settings;
      if (settings.kind !== source.settings.kind) throw kindFixed(source, settings);
      if (parts.settings !== undefined) await checkObjects(store, world, key, parts.settings);
      const patch = given(parts);
      if (credentials !== undefined) {
        checkCredentials(settings, credentials);
        // What was given for one place is never kept for another.
        const whole =
          signInPlace(settings) === signInPlace(source.settings)
            ? await withKept(store, world, key, source, credentials)
            : credentials;
        const sealed = await sealCredentials(store, world, key, { id: source.id, settings }, whole);
        return { patch: { ...patch, credentialsSetAt: now(store) }, writes: [sealed] };
      }
      if (signInPlace(settings) === signInPlace(source.settings)) return { patch };
      return {
        patch: { ...patch, credentialsSetAt: null },
        writes: [forgetCredentials(key, source.id)],
      };
    },
  );
}

function kindFixed(source: Source, settings: SourceSettings): TerminalError {
  return new TerminalError(
    'kind-fixed',
    `"${source.name}" is a source of kind ${source.settings.kind}, which cannot become ${settings.kind}.`,
    { remedy: 'Add a new source of that kind, and disable or delete this one.' },
  );
}

/** A password opens no data set, and a key no database; files need neither, and what is kept of it harms nobody. */
function checkCredentials(settings: SourceSettings, credentials: Credentials): void {
  const wanted = signsInWith(settings);
  const forCloudSql = 'password' in credentials && credentials.key != null;
  if (forCloudSql && !('host' in settings && settings.cloudSql !== undefined))
    throw new TerminalError(
      'credentials-kind',
      'The key of a service account was given beside the password, and the source is in no Cloud SQL instance.',
      { remedy: 'Leave `key` out, or name the instance: `host` its connection name, and `cloudSql`.' },
    );
  if (wanted === null || (wanted === 'key' ? keyTextOf(credentials) !== null : wanted in credentials)) return;
  throw new TerminalError(
    'credentials-kind',
    `A source of kind ${settings.kind} signs in with a ${wanted}, and something else was given.`,
    {
      remedy:
        wanted === 'key'
          ? 'Give `key`: the text of the JSON file of a service account’s key.'
          : 'Give `password`.',
    },
  );
}

/**
 * `credentials` with what the way to the database is opened by, where they leave that out: a new password of the database is
 * no reason to forget the key of another server, or of a service account. `ssh: {}` and `key: null` forget it.
 * @throws TerminalError `secret-unreadable` where what is kept cannot be read
 */
async function withKept(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: Source,
  credentials: Credentials,
): Promise<Credentials> {
  const { settings } = source;
  if (!('host' in settings) || !('password' in credentials)) return credentials;
  const left =
    settings.tunnel !== undefined
      ? credentials.ssh === undefined
      : settings.cloudSql !== undefined && credentials.key === undefined;
  if (!left) return credentials;
  const before = (await accessOf(store, world, key, source)).credentials;
  if (before === null || !('password' in before)) return credentials;
  const { ssh, key: account } = before;
  return settings.tunnel !== undefined
    ? { ...credentials, ...(ssh === undefined ? {} : { ssh }) }
    : { ...credentials, ...(account == null ? {} : { key: account }) };
}

/**
 * Seals other credentials for a source; of the former ones only those of the way there stay where none are given.
 * @throws TerminalError `credentials-kind`, `secret-unreadable`
 */
export async function replaceCredentials(
  store: Store,
  world: SourceWorld,
  key: SourceKey,
  actor: string,
  credentials: Credentials,
): Promise<Source> {
  await mustBeThere(store, key.tenant, key.model);
  return edit(
    store,
    resourceOf(key),
    { tenant: key.tenant, actor },
    undefined,
    async (source) => {
      checkCredentials(source.settings, credentials);
      return {
        patch: { credentialsSetAt: now(store) },
        writes: [
          await sealCredentials(
            store,
            world,
            key,
            source,
            await withKept(store, world, key, source, credentials),
          ),
        ],
      };
    },
    'credentials',
  );
}

/**
 * Deletes a source, to be restored until it is purged.
 * @param forget its credentials go at once
 * @throws TerminalError `in-use` while a data set or an active run uses its tables
 */
export async function removeSource(
  store: Store,
  key: SourceKey,
  actor: string,
  forget: boolean,
): Promise<Source> {
  const by = { tenant: key.tenant, actor };
  const deleted = await softDelete(
    store,
    resourceOf(key),
    by,
    () => dependentsOfSource(store, key, key.source),
    () =>
      forget
        ? { patch: { credentialsSetAt: null }, writes: [forgetCredentials(key, key.source)] }
        : { patch: {} },
  );
  if (!forget || deleted.credentialsSetAt === null) return deleted;
  // It was deleted before, with its credentials kept: now they go as well.
  return forgetOfDeleted(store, key, actor);
}

async function forgetOfDeleted(store: Store, key: SourceKey, actor: string): Promise<Source> {
  const { path } = resourceOf(key);
  await revise(store, path, Source, (source) => ({
    value: { ...source, credentialsSetAt: null },
    writes: [forgetCredentials(key, key.source)],
    audit: { tenant: key.tenant, actor, action: 'source.credentials', target: path },
  }));
  return (await mustRead(store, path, Source, 'source')).value;
}

/** Undoes a deletion. @throws TerminalError `not-found` once it is purged, or while its model is deleted; `quota-exceeded` */
export async function restoreSource(
  store: Store,
  tenant: Tenant,
  key: SourceKey,
  actor: string,
): Promise<Source> {
  await mustBeThere(store, key.tenant, key.model);
  return restore(store, resourceOf(key), { tenant: key.tenant, actor }, async () =>
    checkQuota(tenant, 'sourcesPerModel', await liveSources(store, key)),
  );
}

/** Sources of the model that are not deleted. */
function liveSources(store: Store, { tenant, model }: ModelKey): Promise<number> {
  return store.db.count(paths.sources(tenant, model), { where: [['deletedAt', '==', null]] });
}

async function checkObjects(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  settings: SourceSettings,
): Promise<void> {
  const objects = objectsOf(settings);
  if (objects.length === 0) return;
  const policy = await objectPolicy(store, world, key.tenant);
  for (const uri of objects) await checkObject(uri, policy, key);
}

/** Ids of the model's other sources that read the same as `source`. */
async function othersLike(
  store: Store,
  { tenant, model }: ModelKey,
  { id, settings }: Source,
): Promise<string[]> {
  const all = await readAll(store, paths.sources(tenant, model), Source);
  return all
    .filter((one) => one.id !== id && one.deletedAt === null && readTheSame(one.settings, settings))
    .map((one) => one.id);
}
