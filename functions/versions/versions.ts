import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { differences } from '#core/differences';
import { compareVersions, Version, type VersionComparison, versionCycle } from '#core/version';
import { dependentsOfVersion } from '#store/dependents';
import { mustRead, read } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { edit, given, move, refuseInUse, type Resource, restore, softDelete } from '#store/resource';
import type { ModelKey } from '#store/source-access';
import { now, type Store } from '#store/store';

/** A version's address. */
export interface VersionKey extends ModelKey {
  readonly version: string;
}

/** A version as an editable noun. */
export function resourceOf({ tenant, model, version }: VersionKey): Resource<Version> {
  return { path: paths.version(tenant, model, version), schema: Version, what: 'version', noun: 'version' };
}

/** Changes what people say of a version. @throws TerminalError `not-found`, `conflict` */
export async function change(
  store: Store,
  key: VersionKey,
  actor: string,
  wanted: {
    readonly description?: string | undefined;
    readonly labels?: Version['labels'] | undefined;
    readonly expectedUpdatedAt?: string | undefined;
  },
): Promise<Version> {
  await mustBeThere(store, key.tenant, key.model);
  const { expectedUpdatedAt, ...parts } = wanted;
  return edit(store, resourceOf(key), { tenant: key.tenant, actor }, expectedUpdatedAt, () => ({
    patch: given(parts),
  }));
}

/** Approves a candidate. @throws TerminalError `gate-refused` where the quality gate said no; `not-possible` */
export async function approve(store: Store, key: VersionKey, actor: string): Promise<Version> {
  await mustBeThere(store, key.tenant, key.model);
  return move(store, resourceOf(key), { tenant: key.tenant, actor }, versionCycle, 'approve', (version) => {
    if (!version.gate.passed)
      throw new TerminalError(
        'gate-refused',
        `Version ${version.number} did not pass the quality gate: ${version.gate.reasons[0] ?? 'no reason kept'}`,
        { remedy: 'Train again, with more history or more trials; nobody can approve past the gate.' },
      );
    return { patch: { approvedAt: now(store), approvedBy: actor } };
  });
}

/** Puts a version away. @throws TerminalError `in-use` while it is deployed or has an alias */
export async function archive(store: Store, key: VersionKey, actor: string): Promise<Version> {
  await mustBeThere(store, key.tenant, key.model);
  return move(
    store,
    resourceOf(key),
    { tenant: key.tenant, actor },
    versionCycle,
    'archive',
    async (version) => {
      refuseInUse(await dependentsOfVersion(store, key, version), 'version', 'archived');
      return { patch: {} };
    },
  );
}

/** Takes a version out of the archive: it is to be approved anew. */
export async function unarchive(store: Store, key: VersionKey, actor: string): Promise<Version> {
  await mustBeThere(store, key.tenant, key.model);
  return move(store, resourceOf(key), { tenant: key.tenant, actor }, versionCycle, 'unarchive', () => ({
    patch: { approvedAt: null, approvedBy: null },
  }));
}

/** Deletes a version. @throws TerminalError `in-use` while it is deployed or has an alias */
export function remove(store: Store, key: VersionKey, actor: string): Promise<Version> {
  return softDelete(store, resourceOf(key), { tenant: key.tenant, actor }, (version) =>
    dependentsOfVersion(store, key, version),
  );
}

/** Undoes a deletion. @throws TerminalError `not-found` once it is purged, or while its model is deleted */
export async function undelete(store: Store, key: VersionKey, actor: string): Promise<Version> {
  await mustBeThere(store, key.tenant, key.model);
  return restore(store, resourceOf(key), { tenant: key.tenant, actor });
}

/** Two versions side by side, with the settings of the runs that made them. */
export async function compare(
  store: Store,
  key: ModelKey,
  ids: { readonly left: string; readonly right: string },
): Promise<VersionComparison> {
  // In order: of two that are missing it is always the first that is named.
  const left = await found(store, { ...key, version: ids.left });
  const right = await found(store, { ...key, version: ids.right });
  const [one, other] = await Promise.all([settingsOf(store, key, left), settingsOf(store, key, right)]);
  return {
    ...compareVersions(left, right),
    settings: one === null || other === null ? null : differences(one, other),
  };
}

async function found(store: Store, key: VersionKey): Promise<Version> {
  return (await mustRead(store, resourceOf(key).path, Version, 'version')).value;
}

async function settingsOf(store: Store, { tenant, model }: ModelKey, { run }: Version) {
  const made = await read(store, paths.pipelineRun(tenant, model, run), PipelineRun);
  if (made === null) return null;
  const { extraction, training } = made.value.settings;
  return { extraction, training };
}
