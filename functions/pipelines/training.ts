import { openTrainingPlatform, type TrainingPlatform } from '#cloud/vertex';
import { toEnvironment } from '#core/container-env';
import { Deployment } from '#core/deployment';
import { TerminalError } from '#core/errors';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { outputsOf, type PipelineRun } from '#core/pipeline-run';
import { trainingFiles, type TrainingRequest, TrainingResult } from '#core/training-result';
import { Version } from '#core/version';
import { containerEnv } from '#runtime/container-env';
import { serviceAccountEmail } from '#runtime/deploy';
import { read } from '#store/document';
import { commitFenced } from '#store/lease';
import { currentTrace } from '#store/trace';
import { concludeTraining } from './conclude-training.ts';
import { estimateTraining, overCaps } from './estimate.ts';
import type { StageContext, StageOutcome, StageWork } from './run-context.ts';
import { runDeadline } from './stage-plan.ts';
import { trainerSeconds, TRAINER_SIZE } from './trainer-size.ts';
import { snapshotOf } from './vocabulary.ts';
import { amountsOf } from './write-run.ts';

/** Training: one Vertex AI custom job per attempt; its folder says what came of it. */
export const training: StageWork = {
  stage: 'training',
  advance,
  async stop(context) {
    const platform = platformOf(context);
    const job = await jobOf(context, platform);
    if (job === null || (await platform.state(job)).state !== 'running') return 'stopped';
    await platform.cancel(job);
    return 'stopping';
  },
  async spent(context) {
    const platform = platformOf(context);
    const job = await jobOf(context, platform);
    const trainingSeconds = job === null ? 0 : (await platform.state(job)).seconds;
    return { bytesScanned: 0, trainingSeconds };
  },
};

const platformOf = ({ tenant, config }: StageContext): TrainingPlatform =>
  openTrainingPlatform({ ...tenant.cloud, endpoints: config.endpoints });
const jobName = ({ ids, attempt }: StageContext) => `tw-${ids.run}-train-${attempt}`;

/** The attempt's job: as noted on the run, else by its name, for its starter may have died before noting it. */
function jobOf(context: StageContext, platform: TrainingPlatform): Promise<string | null> {
  const { executor } = context.run.stages.training;
  return executor === null ? platform.find(jobName(context)) : Promise.resolve(executor);
}

async function advance(context: StageContext): Promise<StageOutcome> {
  const { run, attempt } = context;
  const result = await readResult(context);
  if (result !== null) return concludeTraining(context, result);
  const { executor } = run.stages.training;
  if (executor === null) return begin(context);
  const work = await platformOf(context).state(executor);
  if (work.state === 'running') return { state: 'running' };
  // It may have written its result between our first look and its end.
  const late = await readResult(context);
  if (late !== null) return concludeTraining(context, late);
  const said = work.message === '' ? '' : `: ${work.message}`;
  return {
    state: 'died',
    failure: {
      code: 'trainer-died',
      message: `The trainer ended without a result (${work.state}${said}), attempt ${attempt}.`,
      remedy: 'See the run’s log; if memory ran out, use a smaller preset or fewer algorithms.',
    },
  };
}

async function begin(context: StageContext): Promise<StageOutcome> {
  const { ids, run, config, attempt, store } = context;
  const refused = overCaps(estimateTraining(amountsOf(run), run.settings.training), {
    ...run.settings.caps,
    maxBytes: null,
  });
  if (refused !== null) return { state: 'failed', failure: refused };
  await writeRequest(context);
  const requestId = currentTrace()?.requestId;
  // A driver that was paused past its lease must start nothing that its successor does not know of.
  await commitFenced(store, context.lease, []);
  const job = await platformOf(context).start({
    displayName: jobName(context),
    image: config.imageOf('pipelines-trainer'),
    env: {
      ...containerEnv(config),
      ...toEnvironment({
        TRADEWIND_TENANT: ids.tenant,
        TRADEWIND_MODEL: ids.model,
        TRADEWIND_RUN: ids.run,
        TRADEWIND_ATTEMPT: attempt,
      }),
      ...(requestId === undefined ? {} : { TRADEWIND_REQUEST_ID: requestId }),
    },
    machineType: TRAINER_SIZE.machineType,
    timeoutSeconds: timeoutFor(run, store.clock()),
    serviceAccount: serviceAccountEmail(config.projectId, 'trainer'),
  });
  context.log.info(`training: attempt ${attempt} started`, { job });
  return { state: 'running', executor: job };
}

/** Below this no container gets anywhere; the run's own cap ends what little is left. */
const LEAST_SECONDS = 60;

/** How long the job may run: as its settings have it, and no longer than the run. `now`: milliseconds since 1970. */
export function timeoutFor(run: PipelineRun, now: number): number {
  const left = Math.floor((runDeadline(run) - now) / 1000);
  return Math.max(LEAST_SECONDS, Math.min(trainerSeconds(run.settings.training), left));
}

function filesOf({ ids, tenant, attempt }: StageContext) {
  return trainingFiles(tenant.cloud.bucket, ids.tenant, ids.model, ids.run, attempt);
}

async function readResult(context: StageContext): Promise<TrainingResult | null> {
  const uri = filesOf(context).result;
  if ((await context.files.stat(uri)) === null) return null;
  const text = new TextDecoder().decode(await context.files.readAll(uri));
  return TrainingResult.parse(JSON.parse(text));
}

async function writeRequest(context: StageContext): Promise<void> {
  const { ids, tenant, run, files } = context;
  if (run.vocabulary === null)
    throw new TerminalError('snapshot-missing', `The run ${ids.run} has no snapshot to train on.`, {
      remedy: 'Start the pipeline again.',
    });
  const request: TrainingRequest = {
    settings: run.settings.training,
    asOf: run.asOf,
    snapshot: snapshotOf(tenant, ids, outputsOf(run, 'vocabulary')),
    rows: run.vocabulary,
    champion: await championOf(context),
  };
  await files.save(filesOf(context).request, JSON.stringify(request), 'application/json');
}

/** The version that answers now, which the new one must not lose to. */
async function championOf({ ids, store }: StageContext): Promise<TrainingRequest['champion']> {
  const model = await read(store, paths.model(ids.tenant, ids.model), Model);
  const live = model?.value.liveDeployment ?? null;
  if (live === null) return null;
  const deployment = await read(store, paths.deployment(ids.tenant, ids.model, live), Deployment);
  if (deployment === null) return null;
  const version = await read(store, paths.version(ids.tenant, ids.model, deployment.value.version), Version);
  return version === null ? null : { version: version.value.id, metrics: version.value.metrics };
}
