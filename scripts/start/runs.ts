import type { z } from 'zod';
import { createDataset, listDatasets, replaceDataset } from '#core/api/datasets';
import { getDeployment } from '#core/api/deployments';
import { getEtlLogs, getEtlRun, startEtl } from '#core/api/etl';
import {
  createPipelineConfig,
  getPipelineLogs,
  getPipelineRun,
  listPipelineConfigs,
  startPipeline,
} from '#core/api/pipelines';
import { getVersion } from '#core/api/versions';
import type { Dataset, DatasetDefinition } from '#core/dataset';
import type { Deployment } from '#core/deployment';
import { TerminalError } from '#core/errors';
import type { EtlRun, EtlTable } from '#core/etl-run';
import type { LogLine } from '#core/log';
import { type PipelineRun, type StageName, STAGES } from '#core/pipeline-run';
import type { Progress } from '#scripts/start/progress';
import type { Session } from '#scripts/start/session';
import { failed, waitFor } from '#scripts/start/waiting';

/** A finished ETL run with its tables. */
export type LoadedRun = EtlRun & { readonly perTable: readonly EtlTable[] };

const count = (value: number): string => value.toLocaleString('en-US');

/** Loads the chosen tables and waits. @throws TerminalError with the run's, or its first failed table's, reason. */
export async function load({ call, at, signal }: Session, say: (detail: string) => void): Promise<LoadedRun> {
  const begun = await call(startEtl, { params: at });
  const run = await waitFor(
    () => call(getEtlRun, { params: { ...at, run: begun.id } }),
    ({ status }) => ['succeeded', 'partial', 'failed', 'cancelled'].includes(status),
    ({ status, counts }) =>
      say(`${status}, ${count(counts.rows)} rows, ${(counts.bytes / 1e6).toFixed(1)} MB`),
    signal,
  );
  if (run.status === 'succeeded') return run;
  const table = run.perTable.find(({ failure }) => failure !== null);
  const error =
    table === undefined ? failed('The ETL run', run.failure) : failed(`Loading ${table.name}`, table.failure);
  throw withLog(error, (await call(getEtlLogs, { params: { ...at, run: run.id } })).lines);
}

/** The model's data set of that name, with this definition. */
export async function defineDataset({ call, at }: Session, definition: DatasetDefinition): Promise<Dataset> {
  const { items } = await call(listDatasets, { params: at, query: { limit: 200 } });
  const same = items.find(({ name }) => name === definition.name);
  if (same === undefined) return call(createDataset, { params: at, body: definition });
  return call(replaceDataset, { params: { ...at, dataset: same.id }, body: definition });
}

const CONFIG = 'Quick';
const TITLES: Readonly<Record<StageName, string>> = {
  extraction: 'Extract the order lines',
  vocabulary: 'Number what was bought',
  training: 'Train and measure',
  deployment: 'Deploy and verify',
};

/** Quick to train; and nobody depends yet on what answered before, so the new version gets all requests at once. */
const SETTINGS = {
  training: { preset: 'quick' },
  deployment: { canary: { steps: [] } },
} satisfies Partial<z.input<typeof createPipelineConfig.body>>;

/**
 * Runs the four stages, each a step of `progress`; ends with training where the quality gate refuses the model
 * (`rejected`).
 * @throws TerminalError with the failed stage's reason.
 */
export async function runPipeline(
  session: Session,
  dataset: Dataset,
  progress: Progress,
): Promise<PipelineRun> {
  const { call, at, signal } = session;
  const configs = await call(listPipelineConfigs, { params: at, query: { limit: 200 } });
  const config =
    configs.items.find(({ name }) => name === CONFIG) ??
    (await call(createPipelineConfig, { params: at, body: { name: CONFIG, ...SETTINGS } }));
  let run = await call(startPipeline, { params: at, body: { config: config.id, dataset: dataset.id } });
  const watch = async (
    isOver: (value: PipelineRun) => boolean,
    show: (value: PipelineRun) => void,
  ): Promise<void> => {
    run = await waitFor(() => call(getPipelineRun, { params: { ...at, run: run.id } }), isOver, show, signal);
    if (run.status === 'failed' || run.status === 'cancelled') throw await pipelineError(session, run);
  };
  for (const stage of STAGES) {
    if (run.status === 'rejected' && run.stages[stage].status === 'skipped') break;
    await progress.step(stage, TITLES[stage], (say) =>
      watch(
        (value) => !['pending', 'running'].includes(value.stages[stage].status) || isEnded(value),
        (value) => say(describeStage(value, stage)),
      ),
    );
  }
  // The last stage is over a moment before the run.
  await watch(isEnded, () => undefined);
  return run;
}

function isEnded({ status }: PipelineRun): boolean {
  return status !== 'queued' && status !== 'running';
}

function describeStage(run: PipelineRun, stage: StageName): string {
  const reused = run.stages[stage].status === 'reused' ? ' (as before)' : '';
  if (stage === 'extraction' && run.extraction)
    return `${count(run.extraction.kept)} of ${count(run.extraction.lines)} lines kept${reused}`;
  if (stage === 'vocabulary' && run.vocabulary)
    return `${count(run.vocabulary.customers)} customers, ${count(run.vocabulary.items)} articles${reused}`;
  if (stage === 'training' && run.metrics)
    return `${run.metrics.slots.discover?.algorithm ?? ''} after ${run.metrics.trials} trials${reused}`;
  return `${run.stages[stage].status}${reused}`;
}

/** What the quality gate said of a run it refused. */
export async function rejectionReasons({ call, at }: Session, run: PipelineRun): Promise<readonly string[]> {
  if (run.version === null) return [run.failure?.message ?? 'It gave no reason.'];
  return (await call(getVersion, { params: { ...at, version: run.version } })).gate.reasons;
}

async function pipelineError({ call, at }: Session, run: PipelineRun): Promise<TerminalError> {
  if (run.status === 'cancelled')
    return new TerminalError('cancelled', 'The pipeline run was cancelled.', { remedy: 'Start it again.' });
  const stage = STAGES.find((name) => run.stages[name].status === 'failed');
  const error = failed(
    stage === undefined ? 'The pipeline run' : `Stage ${stage}`,
    (stage && run.stages[stage].failure) ?? run.failure,
  );
  return withLog(error, (await call(getPipelineLogs, { params: { ...at, run: run.id } })).lines);
}

/** The error with the last warnings and errors of the run's log. */
function withLog(error: TerminalError, lines: readonly LogLine[]): TerminalError {
  const told = lines.filter(({ severity }) => severity === 'ERROR' || severity === 'WARNING').slice(-5);
  if (told.length === 0) return error;
  const log = told.map(({ at, source, message }) => `  ${at} ${source}: ${message}`).join('\n');
  return new TerminalError(
    error.code,
    `${error.message}\n${log}`,
    error.remedy === undefined ? {} : { remedy: error.remedy },
  );
}

/** The deployment that `run` made live. @throws TerminalError `not-live` when it has no address. */
export async function liveDeployment(
  { call, at }: Session,
  run: PipelineRun,
): Promise<Deployment & { readonly url: string }> {
  const deployment =
    run.deployment === null
      ? null
      : await call(getDeployment, { params: { ...at, deployment: run.deployment } });
  if (deployment === null || deployment.url === null)
    throw new TerminalError(
      'not-live',
      `The run ended without a live deployment${deployment === null ? '' : ` (it is ${deployment.status})`}.`,
      {
        remedy: 'Look at the run in the web application, or start it again.',
      },
    );
  return { ...deployment, url: deployment.url };
}
