/*
 * How a stage is worked on, whoever calls: its event, the event of its end, or the watchdog. Each call looks at what
 * the platform says, does the next thing and returns; none waits longer than its patience. So every message may come
 * twice or out of order, and a process may die anywhere: the next call goes on from what is true.
 */
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { openWarehouse, type Warehouse } from '#cloud/bigquery';
import { type Files, openFiles } from '#cloud/storage';
import { BusyError, type Failure, TerminalError, toFailure } from '#core/errors';
import { announce, type Announcement } from '#core/events';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { pipelineCycle, PipelineRun, type StageName } from '#core/pipeline-run';
import { Tenant } from '#core/tenant';
import { makeLog } from '#runtime/log';
import type { Platform } from '#runtime/platform';
import { mustRead, revise } from '#store/document';
import { withLease } from '#store/lease';
import { openRunLog } from '#store/run-log';
import { now } from '#store/store';
import { endTrouble, noteTrouble } from '#store/trouble';
import {
  beginStage,
  completeStage,
  currentStage,
  failStage,
  noteExecutor,
  rejectRun,
  retryStage,
} from './stage-plan.ts';

/** A run's address. */
export interface RunIds {
  readonly tenant: string;
  readonly model: string;
  readonly run: string;
}

/** What a stage's work stands on. */
export interface StageContext extends Platform {
  readonly ids: RunIds;
  readonly tenant: Tenant;
  readonly run: PipelineRun;
  /** The stage's present attempt, 1-based: part of the id of everything that is started. */
  readonly attempt: number;
  readonly warehouse: Warehouse;
  readonly files: Files;
  /** Milliseconds since 1970 after which the work must return what it has. */
  readonly deadline: number;
}

/** What a look at the stage's work came to. */
export type StageOutcome =
  | { readonly state: 'running'; readonly executor?: string }
  | { readonly state: 'done'; readonly found: Partial<PipelineRun>; readonly executor?: string }
  | { readonly state: 'rejected'; readonly found: Partial<PipelineRun>; readonly failure: Failure }
  /** The work ended without a result: one more attempt, or failed where they are used up. */
  | { readonly state: 'died'; readonly failure: Failure }
  | { readonly state: 'failed'; readonly failure: Failure };

export interface StageWork {
  readonly stage: StageName;
  /** Whether the run's settings leave the stage out. */
  readonly skips?: (run: PipelineRun) => boolean;
  /** Looks, starts what is not started, waits until `deadline` at most. May be called again with the same context. */
  readonly advance: (context: StageContext) => Promise<StageOutcome>;
}

/** How long one call may wait for work that is nearly done. */
const PATIENCE_SECONDS = 45;

/** The message that begins a stage; a stage without one is begun by the end of the former. */
const REQUESTS: Partial<
  Record<StageName, 'extraction-requested' | 'vocabulary-requested' | 'training-requested'>
> = {
  extraction: 'extraction-requested',
  vocabulary: 'vocabulary-requested',
  training: 'training-requested',
};

/**
 * Drives the run's stage until it has to wait: begins it if its turn has come, looks at its work, and writes what came
 * of it. Does nothing where the stage is over or its turn has not come. One driver at a time, by lease. Trouble that may
 * pass is thrown, to be tried again; trouble that has lasted fails the run.
 * @throws BusyError `run-busy` where another holds the lease.
 */
export async function driveStage(here: Platform, ids: RunIds, work: StageWork): Promise<void> {
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const found = await mustRead(here.store, path, PipelineRun, 'pipeline run');
  if (currentStage(found.value) !== work.stage) return;
  const holder = `pipelines-${work.stage}-${randomUUID()}`;
  const never = new AbortController().signal;
  const driven = await withLease(here.store, paths.lease(path), holder, never, () =>
    driveHeld(here, ids, work),
  );
  if (driven === null) throw new BusyError('run-busy', `The run ${ids.run} is being looked after elsewhere.`);
}

async function driveHeld(here: Platform, ids: RunIds, work: StageWork): Promise<true> {
  const { stage } = work;
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  const { store, config } = here;
  const tenant = (await mustRead(store, paths.tenant(ids.tenant), Tenant, 'tenant')).value;
  const runLog = openRunLog(store, path, `pipelines-${stage}`);
  const log = makeLog(`pipelines-${stage}`, store.clock, (line) => runLog.write(line));
  const deadline = store.clock() + PATIENCE_SECONDS * 1000;
  try {
    await write(here, ids, (run) =>
      currentStage(run) === stage && work.skips?.(run) === true
        ? completeStage(run, stage, 'skip', {}, now(store))
        : beginStage(run, stage, now(store)),
    );
    for (;;) {
      const run = (await mustRead(store, path, PipelineRun, 'pipeline run')).value;
      const { status, attempts: attempt } = run.stages[stage];
      if (status !== 'running') return true;
      const outcome = await work.advance({
        ...here,
        log,
        ids,
        tenant,
        run,
        attempt,
        deadline,
        warehouse: openWarehouse({ ...tenant.cloud, endpoints: config.endpoints }),
        files: openFiles(tenant.cloud.projectId),
      });
      const written = await write(here, ids, (current) =>
        settle(current, stage, attempt, outcome, now(store)),
      );
      await endTrouble(store, path);
      if (outcome.state !== 'running' && written !== null) report(log, stage, outcome);
      if (outcome.state !== 'died') return true;
    }
  } catch (thrown) {
    if (thrown instanceof TerminalError) throw thrown;
    const failure = toFailure(thrown);
    log.warn(`${stage} does not get on: ${failure.message}`, { code: failure.code });
    here.log.warn('stage not worked on', { run: ids.run, stage, error: inspect(thrown) });
    if (!(await noteTrouble(store, path))) throw thrown;
    await recordFailure(here, ids, stage, failure);
    return true;
  } finally {
    await runLog.close();
  }
}

/** Records on the run that the stage came to nothing. Harmless where the stage is over. */
export async function recordFailure(
  here: Platform,
  ids: RunIds,
  stage: StageName,
  failure: Failure,
): Promise<void> {
  const { store } = here;
  const failed = await write(here, ids, (run) => failStage(run, stage, failure, now(store)));
  if (failed === null) return;
  const runLog = openRunLog(store, paths.pipelineRun(ids.tenant, ids.model, ids.run), `pipelines-${stage}`);
  makeLog(`pipelines-${stage}`, store.clock, (line) => runLog.write(line)).error(
    `${stage} failed: ${failure.message}`,
    { code: failure.code },
  );
  await runLog.close();
}

function settle(
  run: PipelineRun,
  stage: StageName,
  attempt: number,
  outcome: StageOutcome,
  at: string,
): PipelineRun | null {
  switch (outcome.state) {
    case 'running':
      return outcome.executor === undefined ? null : noteExecutor(run, stage, attempt, outcome.executor);
    case 'done': {
      const noted =
        outcome.executor === undefined ? null : noteExecutor(run, stage, attempt, outcome.executor);
      return completeStage(noted ?? run, stage, 'succeed', outcome.found, at);
    }
    case 'rejected':
      return rejectRun(run, outcome.found, outcome.failure, at);
    case 'died':
      return retryStage(run, stage, attempt, outcome.failure, at);
    case 'failed':
    default:
      return failStage(run, stage, outcome.failure, at);
  }
}

/** Writes the run as `plan` says, guarded; with it the next stage's message, or the end of the run's lock and watch. */
async function write(
  here: Platform,
  ids: RunIds,
  plan: (run: PipelineRun) => PipelineRun | null,
): Promise<PipelineRun | null> {
  const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
  return revise(here.store, path, PipelineRun, (run) => {
    const value = plan(run);
    if (value === null) return null;
    const over = isFinal(pipelineCycle, value.status);
    return {
      value,
      writes: over
        ? [
            { kind: 'delete', path: paths.watched(path) },
            { kind: 'delete', path: paths.lock(ids.tenant, ids.model, 'pipeline') },
          ]
        : [],
      announcements: nextMessage(ids, run, value),
    };
  });
}

function nextMessage(ids: RunIds, before: PipelineRun, after: PipelineRun): Announcement[] {
  const stage = currentStage(after);
  if (stage === null || stage === currentStage(before)) return [];
  const topic = REQUESTS[stage];
  return topic === undefined ? [] : [announce(topic, { ...ids })];
}

function report(log: Platform['log'], stage: StageName, outcome: StageOutcome): void {
  if (outcome.state === 'done') log.info(`${stage} done`);
  else if ('failure' in outcome) log.error(`${stage} ${outcome.state}: ${outcome.failure.message}`);
}
