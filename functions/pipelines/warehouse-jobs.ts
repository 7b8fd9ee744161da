import type { JobOutcome, TableRef, Warehouse } from '#cloud/bigquery';
import type { Spent } from '#core/pipeline-run';
import type { StageOutcome, Stopping } from './run-context.ts';

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

/** How long one wait for a job is at most, in seconds: between two, a wish to end the run is noticed. */
const SLICE_SECONDS = 1;

/** Until when, in milliseconds since 1970, and unless what. */
export interface Patience {
  readonly deadline: number;
  readonly clock: () => number;
  readonly signal: AbortSignal;
}

/**
 * Runs phases of jobs one after the other, the jobs of a phase side by side.
 * @returns null once all are done; otherwise what the stage came to: `running` past the deadline or once `signal` has
 *   fired, `died` or `failed`.
 */
export async function runPhases(
  warehouse: Warehouse,
  phases: readonly (readonly WarehouseJob[])[],
  patience: Patience,
): Promise<StageOutcome | null> {
  for (const phase of phases) {
    if (patience.signal.aborted) return { state: 'running' };
    await Promise.all(phase.map((job) => job.start(warehouse)));
    const outcomes = await Promise.all(
      phase.map(async (job) => ({
        job,
        outcome: await waitFor(warehouse, job.id, patience),
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

/** Waits slice by slice, for as long as `patience` has it. */
async function waitFor(
  warehouse: Warehouse,
  id: string,
  { deadline, clock, signal }: Patience,
): Promise<JobOutcome> {
  for (;;) {
    const left = Math.max(0, (deadline - clock()) / 1000);
    const outcome = await warehouse.waitFor(id, Math.min(SLICE_SECONDS, left));
    if (outcome.state !== 'running' || left <= SLICE_SECONDS || signal.aborted) return outcome;
  }
}

/**
 * Asks for the end of jobs, those that were never started among them, and once none runs any more removes the tables they
 * write.
 */
export async function stopJobs(
  warehouse: Warehouse,
  ids: readonly string[],
  tables: readonly TableRef[],
): Promise<Stopping> {
  const running = await Promise.all(
    ids.map(async (id) => {
      if ((await warehouse.jobOutcome(id)).state !== 'running') return false;
      await warehouse.cancelJob(id);
      return (await warehouse.jobOutcome(id)).state === 'running';
    }),
  );
  if (running.some(Boolean)) return 'stopping';
  await Promise.all(tables.map((table) => warehouse.deleteTable(table)));
  return 'stopped';
}

/** The bytes that jobs have read, those that were never started among them. */
export async function scannedBy(warehouse: Warehouse, ids: readonly string[]): Promise<Spent> {
  const outcomes = await Promise.all(ids.map((id) => warehouse.jobOutcome(id)));
  const bytesScanned = outcomes.reduce((sum, one) => sum + (one.bytesScanned ?? 0), 0);
  return { bytesScanned, trainingSeconds: 0 };
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
