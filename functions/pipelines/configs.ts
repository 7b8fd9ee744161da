import { Model } from '#core/model';
import { paths } from '#core/paths';
import type { PipelineConfig, PipelineConfigDefinition } from '#core/pipeline-config';
import { mustRead } from '#store/document';
import { commitChange, makeId, now, type Store } from '#store/store';

/** Writes a new configuration; its definition has been parsed, so every value is decided. */
export async function createConfig(
  store: Store,
  { tenant, model }: { readonly tenant: string; readonly model: string },
  actor: string,
  definition: PipelineConfigDefinition,
): Promise<PipelineConfig> {
  await mustRead(store, paths.model(tenant, model), Model, 'model');
  const config: PipelineConfig = { ...definition, id: makeId(store, 'c'), createdAt: now(store) };
  const path = paths.pipelineConfig(tenant, model, config.id);
  await commitChange(store, {
    writes: [{ kind: 'create', path, data: config }],
    audit: { tenant, actor, action: 'pipeline-config.create', target: path },
  });
  return config;
}
