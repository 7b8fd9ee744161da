import type { TrainingConfig } from '#core/training-config';

/** The machine a trainer runs on, and what its container may therefore use: the container's own statement and each job's. */
export const TRAINER_SIZE = { machineType: 'n1-standard-8', cpu: 8, memory: '30Gi' } as const;

/** On top of the configuration's cap on the search: reading, the final fits, writing. */
const OVERHEAD_SECONDS = 3600;

/** How long a training of these settings may take at most. */
export function trainerSeconds({ seconds }: Pick<TrainingConfig, 'seconds'>): number {
  return seconds + OVERHEAD_SECONDS;
}

/** How long any training may take: the cap of TrainingConfig's `seconds`. */
export const LONGEST_TRAINER_SECONDS = trainerSeconds({ seconds: 86_400 });
