import { openFiles } from '#cloud/storage';
import { TrainerEnv } from '#core/container-env';
import type { JobDeploy } from '#runtime/deploy';
import type { JobContext } from '#runtime/job';
import { LONGEST_TRAINER_SECONDS, TRAINER_SIZE } from './trainer-size.ts';
import { trainRun } from './train-run.ts';

/** The trainer container: one attempt of one run's training stage, as a Vertex AI custom job. */
export const deploy: JobDeploy = {
  trigger: 'job',
  memory: TRAINER_SIZE.memory,
  cpu: TRAINER_SIZE.cpu,
  timeoutSeconds: LONGEST_TRAINER_SECONDS,
  serviceAccount: 'trainer',
  tasks: 1,
  maxRetries: 0,
};

export const handler = async (context: JobContext): Promise<void> =>
  trainRun(context, openFiles(context.config.projectId), TrainerEnv.parse(context.env));
