import {
  createPipelineConfig,
  getPipelineLogs,
  getPipelineRun,
  listPipelineConfigs,
  listPipelineRuns,
  startPipeline,
} from '#core/api/pipelines';
import { paths } from '#core/paths';
import { PipelineConfig } from '#core/pipeline-config';
import { PipelineRun } from '#core/pipeline-run';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { readRunLog } from '#store/run-log';
import { createConfig } from './configs.ts';
import { startRun } from './start.ts';

export const deploy = httpDeploy();

export const handler = serve('pipelines-api', ({ store, config }) => [
  route(createPipelineConfig, ({ params, body, caller }) => createConfig(store, params, caller.uid, body)),
  route(listPipelineConfigs, ({ params, query }) =>
    readPage(store, paths.pipelineConfigs(params.tenant, params.model), PipelineConfig, query),
  ),
  route(startPipeline, ({ params, body, caller, membership }) =>
    startRun(store, config, {
      tenant: membership().tenant,
      model: params.model,
      actor: caller.uid,
      ...body,
    }),
  ),
  route(listPipelineRuns, ({ params, query }) =>
    readPage(store, paths.pipelineRuns(params.tenant, params.model), PipelineRun, query),
  ),
  route(
    getPipelineRun,
    async ({ params: { tenant, model, run } }) =>
      (await mustRead(store, paths.pipelineRun(tenant, model, run), PipelineRun, 'pipeline run')).value,
  ),
  route(getPipelineLogs, async ({ params: { tenant, model, run } }) => {
    const path = paths.pipelineRun(tenant, model, run);
    await mustRead(store, path, PipelineRun, 'pipeline run');
    return { lines: await readRunLog(store, path) };
  }),
]);
