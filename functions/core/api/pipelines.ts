import { z } from 'zod';
import { Difference } from '../differences.ts';
import { Overlap, RunTrigger } from '../events.ts';
import { Id, Moment, Name } from '../ids.ts';
import { LogPage, LogPageQuery } from '../log.ts';
import { PipelineConfig, PipelineConfigDefinition, PipelineConfigEdit } from '../pipeline-config.ts';
import { PipelineRun, PipelineStatus, StageName } from '../pipeline-run.ts';
import { PreflightCheck } from '../preflight.ts';
import { editGuard } from '../resource.ts';
import { dependents, search, twoIds } from '../resource-contract.ts';
import { Preset } from '../training-config.ts';
import { Amounts } from '../usage.ts';
import { contract, listQuery, pageOf } from './contract.ts';

export const createPipelineConfig = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs',
  access: 'edit',
  summary: 'Create a configuration; what is left out takes the preset’s value, unknown keys are refused.',
  body: PipelineConfigDefinition,
  answer: PipelineConfig,
  status: 201,
});

export const listPipelineConfigs = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs',
  access: 'read',
  summary: 'The model’s configurations.',
  query: listQuery({ search }, ['createdAt', 'updatedAt', 'name']),
  answer: pageOf(PipelineConfig),
});

export const listPresets = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/presets',
  access: 'read',
  summary: 'The presets with the value of every option: what a configuration has that leaves it out.',
  answer: z.object({
    items: z.array(PipelineConfigDefinition.omit({ name: true }).extend({ preset: Preset })),
  }),
});

export const comparePipelineConfigs = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs/compare',
  access: 'read',
  summary: 'The options in which two configurations differ.',
  query: twoIds(Id),
  answer: z.object({ differences: z.array(Difference) }),
});

export const getPipelineConfig = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs/{config}',
  access: 'read',
  summary: 'One configuration; a deleted one says when that was.',
  answer: PipelineConfig,
});

export const updatePipelineConfig = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs/{config}',
  access: 'edit',
  summary:
    'Change parts of a configuration: each part given replaces that part, and what it leaves out takes the preset’s value. Runs keep the settings they began with.',
  body: PipelineConfigEdit.extend(editGuard),
  answer: PipelineConfig,
});

export const clonePipelineConfig = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs/{config}/clone',
  access: 'edit',
  summary: 'Make a configuration like another one.',
  body: z.strictObject({ name: Name }),
  answer: PipelineConfig,
  status: 201,
});

export const listPipelineConfigDependents = dependents(
  '/api/tenants/{tenant}/models/{model}/pipelines/configs/{config}/dependents',
  'What uses a configuration.',
);

export const deletePipelineConfig = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs/{config}',
  access: 'edit',
  summary:
    'Delete a configuration; it can be restored for 30 days. Refused while a schedule or an active run uses it.',
  answer: PipelineConfig,
});

export const restorePipelineConfig = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/configs/{config}/restore',
  access: 'edit',
  summary: 'Undo the deletion of a configuration.',
  answer: PipelineConfig,
});

export const startPipeline = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/runs',
  access: 'run',
  rate: 'trigger',
  summary: 'Run the four stages; while a run is active, `overlap` says what happens.',
  body: z.strictObject({ config: Id, dataset: Id, overlap: Overlap.default('join') }),
  answer: PipelineRun,
  status: 202,
});

export const listPipelineRuns = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/runs',
  access: 'read',
  summary: 'Pipeline runs, newest first.',
  query: listQuery(
    {
      status: PipelineStatus.optional(),
      config: Id.optional(),
      dataset: Id.optional(),
      trigger: RunTrigger.optional(),
    },
    ['createdAt'],
  ).omit({ deleted: true }),
  answer: pageOf(PipelineRun),
});

export const getPipelineRun = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/runs/{run}',
  access: 'read',
  summary: 'One run with its stages.',
  answer: PipelineRun,
});

export const getPipelineLogs = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/runs/{run}/logs',
  access: 'read',
  summary: 'The run’s log lines in order, page by page.',
  query: LogPageQuery,
  answer: LogPage,
});

const PIPELINES = '/api/tenants/{tenant}/models/{model}/pipelines';

export const cancelPipeline = contract({
  method: 'POST',
  path: `${PIPELINES}/runs/{run}/cancel`,
  access: 'run',
  summary: 'End a run that is not over: its jobs are stopped, what was live before stays live.',
  answer: PipelineRun,
  status: 202,
});

export const rerunPipeline = contract({
  method: 'POST',
  path: `${PIPELINES}/runs/{run}/rerun`,
  access: 'run',
  rate: 'trigger',
  summary: 'Repeat a finished run from its failed stage, or from another; what came before is reused.',
  body: z.strictObject({ from: StageName.optional(), overlap: Overlap.default('refuse') }),
  answer: PipelineRun,
  status: 202,
});

/** `cost` and `bytes` of an estimate are the most that one training that uses all its time comes to. */
export const Preflight = z.object({
  /** Whether every check passed. */
  ok: z.boolean(),
  checks: z.array(PreflightCheck),
  /** Null where the data set could not be read. */
  estimate: z
    .object({
      bytesScanned: z.number(),
      trainingSeconds: z.number(),
      /** US dollars. */
      cost: z.number(),
      /** Which prices it goes by. */
      prices: z.string(),
    })
    .nullable(),
});
export type Preflight = z.infer<typeof Preflight>;

export const preflightPipeline = contract({
  method: 'POST',
  path: `${PIPELINES}/preflight`,
  access: 'run',
  rate: 'trigger',
  summary: 'What a run would meet, found out before anything is started, and what it would cost at most.',
  body: z.strictObject({ config: Id, dataset: Id }),
  answer: Preflight,
});

const Row = z.object({
  path: z.string(),
  /** One value for each run, in the order asked for. */
  values: z.array(z.unknown()),
});

export const RunComparison = z.object({
  runs: z.array(
    z.object({
      id: Id,
      status: PipelineStatus,
      config: Id,
      dataset: Id,
      version: Id.nullable(),
      asOf: Moment,
      createdAt: Moment,
      /** The same where the lines were the same. */
      contentHash: z.string().nullable(),
      usage: Amounts.nullable(),
    }),
  ),
  /** Every figure, e.g. `reorder.ndcg10`. */
  metrics: z.array(Row),
  /** The settings, and the parts of the data set, that are not the same in all. */
  settings: z.array(Row),
  dataset: z.array(Row),
});
export type RunComparison = z.infer<typeof RunComparison>;

export const comparePipelineRuns = contract({
  method: 'GET',
  path: `${PIPELINES}/compare`,
  access: 'read',
  summary: 'Two to five runs side by side: figures, and the settings in which they differ.',
  query: z.strictObject({
    runs: z
      .string()
      .max(200)
      .transform((text) => text.split(','))
      .pipe(z.array(Id).min(2, 'name at least two runs, separated by commas').max(5)),
  }),
  answer: RunComparison,
});
