import type { JobDeploy } from '#runtime/deploy';
import { runEtl } from './run-etl.ts';

export const deploy: JobDeploy = {
  trigger: 'job',
  memory: '1Gi',
  cpu: 2,
  timeoutSeconds: 3 * 3600,
  serviceAccount: 'etl',
  tasks: 1,
  maxRetries: 3,
};

export const handler = runEtl;
