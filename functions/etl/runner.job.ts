import { collectLessOften } from '#columnar/free-memory';
import type { JobDeploy } from '#runtime/deploy';
import type { JobContext } from '#runtime/job';
import { runEtl } from './run-etl.ts';

export const deploy: JobDeploy = {
  trigger: 'job',
  memory: '1Gi',
  cpu: 2,
  // The longest time cap of a run; its own cap ends it before.
  timeoutSeconds: 24 * 3600,
  serviceAccount: 'etl',
  tasks: 1,
  maxRetries: 3,
};

export function handler(context: JobContext): Promise<void> {
  collectLessOften();
  return runEtl(context);
}
