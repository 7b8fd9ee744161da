/**
 * Ends a run before it is done, with nothing of it left behind:
 *
 *     table over                        stays as it ended
 *     table whose publication is done   succeeded: what is published is published
 *     table being published or loaded   its jobs are stopped and waited for; then as its ledger row says
 *     anything else                     cancelled or failed
 *
 * The run ends when all of that is done, so its lock, and with it the next run, waits until no job of it is at work.
 */
import type { JobOutcome } from '#cloud/bigquery';
import { TransientError } from '#core/errors';
import { EtlRun, EtlTable, etlCycle } from '#core/etl-run';
import { inLanes } from '#core/in-lanes';
import { paths } from '#core/paths';
import type { Log } from '#runtime/log';
import { mustRead, readAll, transition } from '#store/document';
import { now } from '#store/store';
import { cleanUp } from './clean-up.ts';
import { endRun, planEnd } from './finish.ts';
import { MAX_JOB_ATTEMPTS } from './jobs.ts';
import type { Place } from './place.ts';
import { markLanded, publication, removeStaging, withUnfit } from './publish.ts';
import { TablePlan } from './records.ts';
import { tablePath } from './run-key.ts';
import { JOB_STEPS, jobName, stagingTables, togetherJobName } from './staging.ts';
import type { Ending } from './stop-watch.ts';
import { isOver, tablesOf } from './tables.ts';

/** What settling works with. */
export interface Settling extends Place {
  readonly log: Log;
}

/** Tables looked at together. */
const LANES = 8;

/** A job that was told to stop is over well within this. */
const JOB_STOP_SECONDS = 10;

/**
 * Ends the run as `ending` says, its tables as above. For whoever holds the run's lease, when no other process is at work
 * on it. May be done again at any point, and is harmless when the run is over.
 * @throws TransientError `job-not-stopped`: a job cannot be told to be over; the run is not either
 */
export async function settleRun(place: Settling, ending: Ending): Promise<void> {
  const { store, key, log } = place;
  const plans = new Map(
    (await readAll(store, paths.etlPlans(place.path), TablePlan)).map((plan) => [plan.id, plan]),
  );
  if ((await mustRead(store, place.path, EtlRun, 'run')).value.together && plans.size > 0)
    await stopTogether(place);
  const open = (await tablesOf(store, key)).filter((table) => !isOver(table));
  await inLanes(open, LANES, (table) => settleTable(place, table, plans.get(table.id), ending));
  const tables = await tablesOf(store, key);
  await cleanUp(place, tables, log);
  const end = planEnd(tables, ending);
  const ended = await endRun(store, key, end);
  if (ended !== null) log.info('run ended before it was done', { result: end.event, rows: end.counts.rows });
}

async function settleTable(
  place: Settling,
  table: EtlTable,
  plan: TablePlan | undefined,
  ending: Ending,
): Promise<void> {
  const { store, key, log } = place;
  // Only what was read to its end goes to the warehouse.
  if (plan?.extracted === true) {
    await stopJobs(place, plan.id);
    const published = plan.nothing ? null : await publication(place, plan.destination);
    if (published !== null) {
      for (const ref of stagingTables(place, plan.id)) await removeStaging(place, ref);
      await markLanded(
        place,
        plan,
        withUnfit(table.counts, table.counts.rows - published.rows),
        published.added,
      );
      log.info('table published', { table: plan.name, rows: published.rows, write: plan.write });
      return;
    }
  }
  const failure = ending.event === 'fail' ? { ...ending.failure } : null;
  await transition(store, tablePath(key, table.id), EtlTable, etlCycle, ending.event, {
    patch: () => ({ failure, finishedAt: now(store) }),
  });
}

/** Stops every job that the run may have begun for a table, waits for its end, and sees that no other is begun. */
async function stopJobs(place: Place, table: string): Promise<void> {
  for (const step of JOB_STEPS) await stopAttempts(place, jobName(place, table, step), step === 'publish');
}

/** Likewise the job that publishes all of the run's tables. */
async function stopTogether(place: Place): Promise<void> {
  await stopAttempts(place, togetherJobName(place), true);
}

async function stopAttempts(place: Place, name: string, publishes: boolean): Promise<void> {
  for (let attempt = 1; attempt <= MAX_JOB_ATTEMPTS; attempt++) {
    const jobId = `${name}-${attempt}`;
    const { state } = await place.warehouse.jobOutcome(jobId);
    if (state === 'running') await stopJob(place, jobId);
    if (state !== 'unknown') continue;
    if (publishes) await useUp(place, jobId);
    break;
  }
}

/**
 * Takes the id under which the next publication would begin. A request for it that a dead process has sent, and that is
 * still on its way, finds the id used; one that came first is waited for, and the ledger tells of it.
 */
async function useUp({ warehouse }: Place, jobId: string): Promise<void> {
  await warehouse.startQuery(jobId, 'SELECT 1 AS used');
  await ended(jobId, warehouse.waitFor(jobId, JOB_STOP_SECONDS));
}

async function stopJob({ warehouse }: Place, jobId: string): Promise<void> {
  await warehouse.cancelJob(jobId);
  await ended(jobId, warehouse.waitFor(jobId, JOB_STOP_SECONDS));
}

async function ended(jobId: string, outcome: Promise<JobOutcome>): Promise<void> {
  const { state } = await outcome;
  if (state === 'running')
    throw new TransientError('job-not-stopped', `BigQuery has not stopped the job ${jobId} yet.`);
}
