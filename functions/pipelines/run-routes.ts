import {
  cancelPipeline,
  comparePipelineRuns,
  getPipelineLogs,
  getPipelineRun,
  listPipelineRuns,
  preflightPipeline,
  rerunPipeline,
  startPipeline,
} from '#core/api/pipelines';
import type { RunTrigger } from '#core/events';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { type Call, type Route, route } from '#runtime/answer';
import type { Platform } from '#runtime/platform';
import { mustRead, readPage } from '#store/document';
import { readRunLogPage } from '#store/run-log';
import { requestCancel } from './cancel.ts';
import { compareRuns } from './compare-runs.ts';
import { preflight } from './preflight.ts';
import { rerun } from './rerun.ts';
import { startRun } from './start.ts';

/** What can be asked of runs. */
export function runRoutes({ store, config }: Pick<Platform, 'store' | 'config'>): Route[] {
  const runOf = async ({ tenant, model }: { readonly tenant: string; readonly model: string }, run: string) =>
    (await mustRead(store, paths.pipelineRun(tenant, model, run), PipelineRun, 'pipeline run')).value;
  return [
    route(startPipeline, ({ params, body, caller, membership, may }) =>
      startRun(store, config, {
        tenant: membership().tenant,
        model: params.model,
        actor: caller.actor,
        trigger: triggerOf(caller),
        mayDeploy: may('deploy'),
        ...body,
      }),
    ),
    route(listPipelineRuns, ({ params, query }) => {
      const { status, config: by, dataset, trigger, ...page } = query;
      return readPage(store, paths.pipelineRuns(params.tenant, params.model), PipelineRun, page, {
        status,
        config: by,
        dataset,
        trigger,
      });
    }),
    route(getPipelineRun, ({ params }) => runOf(params, params.run)),
    route(getPipelineLogs, async ({ params, query }) => {
      await runOf(params, params.run);
      return readRunLogPage(store, paths.pipelineRun(params.tenant, params.model, params.run), query);
    }),
    route(cancelPipeline, ({ params, caller }) => requestCancel(store, { ...params }, caller.actor)),
    route(rerunPipeline, ({ params, body, caller, membership, may }) =>
      rerun(store, config, {
        tenant: membership().tenant,
        model: params.model,
        run: params.run,
        actor: caller.actor,
        trigger: triggerOf(caller),
        mayDeploy: may('deploy'),
        ...body,
      }),
    ),
    route(preflightPipeline, ({ params, body, membership }) =>
      preflight({ store, config }, { tenant: membership().tenant, model: params.model, ...body }),
    ),
    route(comparePipelineRuns, async ({ params, query }) => {
      const runs: PipelineRun[] = [];
      // In order: of several that are missing it is always the first that is named.
      for (const run of query.runs) runs.push(await runOf(params, run));
      return compareRuns(runs);
    }),
  ];
}

function triggerOf(caller: Call<string, unknown, unknown>['caller']): RunTrigger {
  return caller.kind === 'key' ? 'key' : 'person';
}
