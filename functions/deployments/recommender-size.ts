import type { ServiceDeploy } from '#runtime/deploy';

/** What one instance of the recommender has, and what is asked of it: the service's own statement and each revision's. */
export const RECOMMENDER_SIZE = {
  memory: '2Gi',
  cpu: 2,
  timeoutSeconds: 30,
  concurrency: 80,
} as const satisfies Partial<ServiceDeploy>;
