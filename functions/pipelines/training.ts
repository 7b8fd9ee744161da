import { openTrainingPlatform } from '#cloud/vertex';
import { toEnvironment } from '#core/container-env';
import { Deployment } from '#core/deployment';
import { TerminalError } from '#core/errors';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { trainingFiles, type TrainingRequest, TrainingResult } from '#core/training-result';
import { Version } from '#core/version';
import { containerEnv } from '#runtime/container-env';
import { serviceAccountEmail } from '#runtime/deploy';
import { read } from '#store/document';
import type { StageContext, StageOutcome, StageWork } from './drive.ts';
import { concludeTraining } from './conclude-training.ts';
import { trainerSeconds, TRAINER_SIZE } from './trainer-size.ts';
import { snapshotOf } from './vocabulary.ts';

/** Training: one Vertex AI custom job per attempt; its folder says what came of it. */
export const training: StageWork = { stage: 'training', advance };

async function advance(context: StageContext): Promise<StageOutcome> {
  const { ids, run, tenant, config, attempt } = context;
  const result = await readResult(context);
  if (result !== null) return concludeTraining(context, result);
  const platform = openTrainingPlatform({ ...tenant.cloud, endpoints: config.endpoints });
  const { executor } = run.stages.training;
  if (executor === null) {
    await writeRequest(context);
    const job = await platform.start({
      displayName: `tw-${ids.run}-train-${attempt}`,
      image: `${config.images}/pipelines-trainer`,
      env: {
        ...containerEnv(config),
        ...toEnvironment({
          TRADEWIND_TENANT: ids.tenant,
          TRADEWIND_MODEL: ids.model,
          TRADEWIND_RUN: ids.run,
          TRADEWIND_ATTEMPT: attempt,
        }),
      },
      machineType: TRAINER_SIZE.machineType,
      timeoutSeconds: trainerSeconds(run.settings.training),
      serviceAccount: serviceAccountEmail(config.projectId, 'trainer'),
    });
    context.log.info(`training: attempt ${attempt} started`, { job });
    return { state: 'running', executor: job };
  }
  const work = await platform.state(executor);
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
    snapshot: snapshotOf(tenant, ids, run.stages.vocabulary.attempts),
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
