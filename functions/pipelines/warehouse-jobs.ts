import type { JobOutcome, Warehouse } from '#cloud/bigquery';
import type { StageOutcome } from './drive.ts';

/** One BigQuery job. `start` may be called again: the id makes it the same job. */
export interface WarehouseJob {
  readonly id: string;
  readonly start: (warehouse: Warehouse) => Promise<void>;
}

/** How long a run's own tables are kept for looking at; its snapshot in Cloud Storage stays. */
export const RUN_TABLE_HOURS = 7 * 24;

/** Reasons BigQuery gives where the same job may go through another time. */
const WORTH_ANOTHER_TRY: readonly string[] = [
  'backendError',
  'internalError',
  'rateLimitExceeded',
  'jobRateLimitExceeded',
  'jobBackendError',
  'jobInternalError',
  'stopped',
];

/**
 * Runs phases of jobs one after the other, the jobs of a phase side by side.
 * @returns null once all are done; otherwise what the stage came to: `running` past the deadline, `died` or `failed`.
 */
export async function runPhases(
  warehouse: Warehouse,
  phases: readonly (readonly WarehouseJob[])[],
  deadline: number,
  clock: () => number,
): Promise<StageOutcome | null> {
  for (const phase of phases) {
    await Promise.all(phase.map((job) => job.start(warehouse)));
    const outcomes = await Promise.all(
      phase.map(async (job) => ({
        job,
        outcome: await warehouse.waitFor(job.id, Math.max(0, (deadline - clock()) / 1000)),
      })),
    );
    for (const { job, outcome } of outcomes) {
      const failed = outcome.state === 'failed' ? toFailure(job.id, outcome) : null;
      if (failed !== null) return failed;
    }
    if (outcomes.some(({ outcome }) => outcome.state !== 'succeeded')) return { state: 'running' };
  }
  return null;
}

function toFailure(id: string, outcome: JobOutcome): StageOutcome {
  return {
    state: WORTH_ANOTHER_TRY.includes(outcome.reason) ? 'died' : 'failed',
    failure: {
      code: 'warehouse-job-failed',
      message: `The BigQuery job ${id} failed: ${outcome.message} (${outcome.reason})`,
      remedy: 'Check the data set’s tables and columns; then start the pipeline again.',
    },
  };
}
