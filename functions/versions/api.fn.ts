import {
  approveVersion,
  archiveVersion,
  compareVersions,
  deleteVersion,
  getVersion,
  listAliases,
  listVersionDependents,
  listVersions,
  removeAlias,
  restoreVersion,
  setAlias,
  unarchiveVersion,
  updateVersion,
} from '#core/api/versions';
import { paths } from '#core/paths';
import { Version } from '#core/version';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { dependentsOfVersion } from '#store/dependents';
import { mustRead, readPage } from '#store/document';
import type { Store } from '#store/store';
import { listed, set, unset } from './aliases.ts';
import {
  approve,
  archive,
  change,
  compare,
  remove,
  unarchive,
  undelete,
  type VersionKey,
} from './versions.ts';

export const deploy = httpDeploy();

const read = async (store: Store, { tenant, model, version }: VersionKey): Promise<Version> =>
  (await mustRead(store, paths.version(tenant, model, version), Version, 'version')).value;

export const handler = serve('versions-api', ({ store }) => [
  route(listVersions, ({ params, query }) =>
    readPage(store, paths.versions(params.tenant, params.model), Version, query, {
      status: query.status,
      run: query.run,
    }),
  ),
  route(compareVersions, ({ params, query }) => compare(store, params, query)),
  route(listAliases, async ({ params }) => ({ items: await listed(store, params) })),
  route(setAlias, ({ params, body, caller }) =>
    set(store, { ...params, version: body.version }, params.alias, caller.actor),
  ),
  route(removeAlias, ({ params, caller }) => unset(store, params, params.alias, caller.actor)),
  route(getVersion, ({ params }) => read(store, params)),
  route(updateVersion, ({ params, body, caller }) => change(store, params, caller.actor, body)),
  route(approveVersion, ({ params, caller }) => approve(store, params, caller.actor)),
  route(archiveVersion, ({ params, caller }) => archive(store, params, caller.actor)),
  route(unarchiveVersion, ({ params, caller }) => unarchive(store, params, caller.actor)),
  route(listVersionDependents, async ({ params }) => ({
    items: await dependentsOfVersion(store, params, await read(store, params)),
  })),
  route(deleteVersion, ({ params, caller }) => remove(store, params, caller.actor)),
  route(restoreVersion, ({ params, caller }) => undelete(store, params, caller.actor)),
]);
