import {
  clonePipelineConfig,
  comparePipelineConfigs,
  createPipelineConfig,
  deletePipelineConfig,
  getPipelineConfig,
  listPipelineConfigDependents,
  listPipelineConfigs,
  listPresets,
  restorePipelineConfig,
  updatePipelineConfig,
} from '#core/api/pipelines';
import { paths } from '#core/paths';
import { comparePipelineConfigs as compare, PipelineConfig } from '#core/pipeline-config';
import { type Route, route } from '#runtime/answer';
import type { Platform } from '#runtime/platform';
import { dependentsOfConfig } from '#store/dependents';
import { mustRead, readPage } from '#store/document';
import type { Store } from '#store/store';
import {
  changeConfig,
  cloneConfig,
  type ConfigKey,
  createConfig,
  presets,
  removeConfig,
  restoreConfig,
} from './configs.ts';

const read = async (store: Store, { tenant, model, config }: ConfigKey): Promise<PipelineConfig> =>
  (
    await mustRead(
      store,
      paths.pipelineConfig(tenant, model, config),
      PipelineConfig,
      'pipeline configuration',
    )
  ).value;

/** Everything about configurations. */
export function configRoutes({ store }: Pick<Platform, 'store'>): readonly Route[] {
  return [
    route(listPresets, async () => ({ items: presets() })),
    route(createPipelineConfig, ({ params, body, caller }) =>
      createConfig(store, params, caller.actor, body),
    ),
    route(listPipelineConfigs, ({ params, query }) =>
      readPage(store, paths.pipelineConfigs(params.tenant, params.model), PipelineConfig, query),
    ),
    route(comparePipelineConfigs, async ({ params, query }) => {
      const left = await read(store, { ...params, config: query.left });
      const right = await read(store, { ...params, config: query.right });
      return { differences: compare(left, right) };
    }),
    route(getPipelineConfig, ({ params }) => read(store, params)),
    route(updatePipelineConfig, ({ params, body, caller }) =>
      changeConfig(store, params, caller.actor, body),
    ),
    route(clonePipelineConfig, ({ params, body, caller }) =>
      cloneConfig(store, params, caller.actor, body.name),
    ),
    route(listPipelineConfigDependents, async ({ params }) => {
      await read(store, params);
      return { items: await dependentsOfConfig(store, params, params.config) };
    }),
    route(deletePipelineConfig, ({ params, caller }) => removeConfig(store, params, caller.actor)),
    route(restorePipelineConfig, ({ params, caller }) => restoreConfig(store, params, caller.actor)),
  ];
}
