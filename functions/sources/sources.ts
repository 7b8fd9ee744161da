import { Model } from '#core/model';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { type Credentials, objectsOf, Source, type SourceSettings } from '#core/source';
import { mustRead, update } from '#store/document';
import {
  checkObject,
  type ModelKey,
  objectPolicy,
  sealCredentials,
  type SourceWorld,
} from '#store/source-access';
import { commitChange, makeId, now, type Store } from '#store/store';

/**
 * A new source. Its credentials are sealed first, under the id that the source will have: a source that says it has
 * credentials has them.
 */
export async function addSource(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  actor: string,
  wanted: {
    readonly name: string;
    readonly settings: SourceSettings;
    readonly credentials?: Credentials | undefined;
  },
): Promise<Source> {
  await mustRead(store, paths.model(key.tenant, key.model), Model, 'model');
  const objects = objectsOf(wanted.settings);
  if (objects.length > 0) {
    const policy = await objectPolicy(store, world, key.tenant);
    for (const uri of objects) await checkObject(uri, policy, key);
  }
  const id = makeId(store, 's');
  if (wanted.credentials !== undefined) await sealCredentials(store, world, key, id, wanted.credentials);
  const at = now(store);
  const source: Source = {
    id,
    name: wanted.name,
    settings: wanted.settings,
    credentialsSetAt: wanted.credentials === undefined ? null : at,
    enabled: true,
    createdAt: at,
  };
  const path = paths.source(key.tenant, key.model, id);
  await commitChange(store, {
    writes: [{ kind: 'create', path, data: source }],
    audit: { tenant: key.tenant, actor, action: 'source.create', target: path },
  });
  return source;
}

/** Seals other credentials for a source; the former ones are gone. */
export async function replaceCredentials(
  store: Store,
  world: SourceWorld,
  key: ModelKey & { readonly source: string },
  actor: string,
  credentials: Credentials,
): Promise<Source> {
  const path = paths.source(key.tenant, key.model, key.source);
  await mustRead(store, path, Source, 'source');
  await sealCredentials(store, world, key, key.source, credentials);
  return update(store, path, Source, 'source', () => ({ credentialsSetAt: toMoment(store.clock()) }), {
    tenant: key.tenant,
    actor,
    action: 'source.credentials',
    target: path,
  });
}
