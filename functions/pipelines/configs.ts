import { paths } from '#core/paths';
import {
  DeploymentConfig,
  ExtractionConfig,
  PipelineConfig,
  type PipelineConfigDefinition,
  type PipelineConfigEdit,
} from '#core/pipeline-config';
import { RunCaps } from '#core/run-caps';
import { Preset, trainingPresets } from '#core/training-config';
import { dependentsOfConfig } from '#store/dependents';
import { create } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { edit, given, mustReadLive, type Resource, restore, softDelete } from '#store/resource';
import type { ModelKey } from '#store/source-access';
import { makeId, now, type Store } from '#store/store';

/** A configuration's address. */
export interface ConfigKey extends ModelKey {
  readonly config: string;
}

/** A configuration as an editable noun. */
export function configResource({ tenant, model, config }: ConfigKey): Resource<PipelineConfig> {
  return {
    path: paths.pipelineConfig(tenant, model, config),
    schema: PipelineConfig,
    what: 'pipeline configuration',
    noun: 'pipeline-config',
  };
}

/** The presets with every value that a configuration has which names nothing else. */
export function presets(): (Omit<PipelineConfigDefinition, 'name'> & { preset: Preset })[] {
  return Preset.options.map((preset) => ({
    preset,
    extraction: ExtractionConfig.parse({}),
    training: trainingPresets[preset],
    deployment: DeploymentConfig.parse({}),
    caps: RunCaps.parse({}),
  }));
}

/** Writes a new configuration; its definition has been parsed, so every value is decided. */
export async function createConfig(
  store: Store,
  { tenant, model }: ModelKey,
  actor: string,
  definition: PipelineConfigDefinition,
): Promise<PipelineConfig> {
  await mustBeThere(store, tenant, model);
  const at = now(store);
  const config: PipelineConfig = {
    ...definition,
    id: makeId(store, 'c'),
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  };
  const path = paths.pipelineConfig(tenant, model, config.id);
  return create(store, path, PipelineConfig, config, {
    audit: { tenant, actor, action: 'pipeline-config.create', target: path },
  });
}

/** Writes a configuration like another one, under another name. */
export async function cloneConfig(
  store: Store,
  key: ConfigKey,
  actor: string,
  name: string,
): Promise<PipelineConfig> {
  const {
    id: _id,
    createdAt: _created,
    updatedAt: _updated,
    deletedAt: _deleted,
    ...definition
  } = (await mustReadLive(store, configResource(key))).value;
  return createConfig(store, key, actor, { ...definition, name });
}

/** Replaces the parts given; runs keep the settings they began with. @throws TerminalError `not-found`, `conflict` */
export async function changeConfig(
  store: Store,
  key: ConfigKey,
  actor: string,
  { expectedUpdatedAt, ...parts }: PipelineConfigEdit & { readonly expectedUpdatedAt?: string | undefined },
): Promise<PipelineConfig> {
  await mustBeThere(store, key.tenant, key.model);
  return edit(store, configResource(key), { tenant: key.tenant, actor }, expectedUpdatedAt, () => ({
    patch: given(parts),
  }));
}

/** Deletes a configuration. @throws TerminalError `in-use` while a schedule or an active run uses it */
export function removeConfig(store: Store, key: ConfigKey, actor: string): Promise<PipelineConfig> {
  return softDelete(store, configResource(key), { tenant: key.tenant, actor }, () =>
    dependentsOfConfig(store, key, key.config),
  );
}

/** Undoes a deletion. @throws TerminalError `not-found` once it is purged, or while its model is deleted */
export async function restoreConfig(store: Store, key: ConfigKey, actor: string): Promise<PipelineConfig> {
  await mustBeThere(store, key.tenant, key.model);
  return restore(store, configResource(key), { tenant: key.tenant, actor });
}
