import { z } from 'zod';
import { Id } from '../ids.ts';
import { LogLine } from '../log.ts';
import { PipelineConfig, PipelineConfigDefinition } from '../pipeline-config.ts';
import { PipelineRun } from '../pipeline-run.ts';
import { contract, Page, pageOf } from './contract.ts';

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
  query: Page,
  answer: pageOf(PipelineConfig),
});

export const startPipeline = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/runs',
  access: 'run',
  summary: 'Run the four stages; while a run is active its own record is the answer.',
  body: z.strictObject({ config: Id, dataset: Id }),
  answer: PipelineRun,
  status: 202,
});

export const listPipelineRuns = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/pipelines/runs',
  access: 'read',
  summary: 'Pipeline runs, newest first.',
  query: Page,
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
  summary: 'The run’s log lines in order.',
  answer: z.object({ lines: z.array(LogLine) }),
});
