import { ConflictError, type Snapshot, type Write } from '#cloud/firestore';
import type { Scheduler, TimedMessage } from '#cloud/scheduler';
import { toError } from '#core/errors';
import type { Payload } from '#core/events';
import { newId } from '#core/ids';
import { paths } from '#core/paths';
import { cronOf, isAwake, isTimed, Schedule } from '#core/schedule';
import type { Log } from '#runtime/log';
import { read } from '#store/document';
import { listWatched, type Watched } from '#store/exclusive';
import type { Store } from '#store/store';
import { JOB_PREFIX, jobId, keyOfPath, type ScheduleKey, schedulePath } from './key.ts';

const TOPIC = 'schedule-fired';

/** Turns before one that is changed all the time is left to the next tick. */
const TURNS = 5;

/** Schedules read at a time. */
const PAGE = 300;

/**
 * The job that Cloud Scheduler should have for a schedule; null where it should have none. A paused schedule keeps its
 * job, paused: an operator sees it there.
 */
export function wantedJob(key: ScheduleKey, schedule: Schedule): TimedMessage | null {
  if (!isTimed(schedule.when) || schedule.deletedAt !== null) return null;
  const payload: Payload<typeof TOPIC> = { ...key };
  return {
    id: jobId(key),
    cron: cronOf(schedule.when),
    timeZone: schedule.when.timeZone,
    topic: TOPIC,
    data: JSON.stringify(payload),
    paused: !isAwake(schedule),
  };
}

/**
 * The mark that Cloud Scheduler is yet to hear of a change, written with the change itself: whatever dies in between, the
 * watch sees it. Each is different, so that removing one never removes a later one.
 */
export function followMark(store: Store, key: ScheduleKey): Write {
  const path = schedulePath(key);
  const watched: Watched = {
    kind: 'schedule',
    path,
    tenant: key.tenant,
    model: key.model,
    id: key.schedule,
  };
  return { kind: 'set', path: paths.watched(path), data: { ...watched, mark: newId('w', store.random(15)) } };
}

/**
 * Brings Cloud Scheduler's job in line with the schedule's document and removes the mark. May be done by any number at
 * once: each looks at the document again after it wrote, so that the last one leaves what the document says.
 */
export async function follow(store: Store, scheduler: Scheduler, key: ScheduleKey): Promise<void> {
  const path = schedulePath(key);
  const mark = await store.db.get(paths.watched(path));
  let seen = '';
  for (let turn = 1; turn <= TURNS; turn++) {
    const found = await read(store, path, Schedule);
    if ((found?.version ?? 'gone') === seen) break;
    seen = found?.version ?? 'gone';
    const job = found === null ? null : wantedJob(key, found.value);
    if (job === null) await scheduler.deleteJob(jobId(key));
    else await scheduler.putJob(job);
  }
  if (mark === null) return;
  try {
    await store.db.commit([{ kind: 'delete', path: mark.path, version: mark.version }]);
  } catch (error) {
    // Changed again meanwhile: the newer mark is its own change's.
    if (!(error instanceof ConflictError)) throw error;
  }
}

/** Follows every schedule that has a mark. One that Cloud Scheduler does not take keeps no other waiting. */
export async function followMarked(store: Store, scheduler: Scheduler, log: Log): Promise<void> {
  for (const { tenant, model, id } of await listWatched(store, 'schedule'))
    await attempt(log, id, () => follow(store, scheduler, { tenant, model, schedule: id }));
}

/** What a look over all jobs and all schedules found out of line. */
export interface Drift {
  /** Jobs that are missing or not as their schedule says. */
  readonly wrong: readonly ScheduleKey[];
  /** Jobs of schedules that are gone. */
  readonly extra: readonly string[];
}

/**
 * Compares Cloud Scheduler's jobs with what the schedules want. Pure.
 * @param unread ids of jobs whose schedule could not be read: left as they are
 */
export function findDrift(
  jobs: readonly TimedMessage[],
  wanted: readonly { readonly key: ScheduleKey; readonly job: TimedMessage }[],
  unread: readonly string[] = [],
): Drift {
  const known = new Map(jobs.map((job) => [job.id, job]));
  const ids = new Set([...unread, ...wanted.map(({ job }) => job.id)]);
  return {
    wrong: wanted
      .filter(({ job }) => JSON.stringify(sorted(known.get(job.id))) !== JSON.stringify(sorted(job)))
      .map(({ key }) => key),
    extra: jobs.map(({ id }) => id).filter((id) => !ids.has(id)),
  };
}

function sorted(job: TimedMessage | undefined): unknown {
  return Object.entries(job ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Looks over everything: jobs that somebody removed, paused or changed, and jobs of schedules that are gone (a model that
 * was purged, a deletion whose process died). Reads every schedule and every job, so it is done now and then.
 */
export async function reconcile(store: Store, scheduler: Scheduler, log: Log): Promise<Drift> {
  // Jobs first: one that is made in between is then seen by neither, and not taken for extra.
  const jobs = await scheduler.listJobs(JOB_PREFIX);
  const wanted: { key: ScheduleKey; job: TimedMessage }[] = [];
  const unread: string[] = [];
  for await (const found of everySchedule(store)) {
    const key = keyOfPath(found.path);
    const schedule = Schedule.safeParse(found.data);
    if (key === null) continue;
    const job = schedule.success ? wantedJob(key, schedule.data) : null;
    if (job !== null) wanted.push({ key, job });
    if (schedule.success) continue;
    unread.push(jobId(key));
    log.warn('a schedule cannot be read', { path: found.path });
  }
  const drift = findDrift(jobs, wanted, unread);
  for (const key of drift.wrong) await attempt(log, key.schedule, () => follow(store, scheduler, key));
  for (const id of drift.extra) await attempt(log, id, () => scheduler.deleteJob(id));
  if (drift.wrong.length + drift.extra.length > 0)
    log.warn('Cloud Scheduler was out of line with the schedules', {
      wrong: drift.wrong.map(jobId).join(', '),
      extra: drift.extra.join(', '),
    });
  return drift;
}

async function* everySchedule(store: Store): AsyncGenerator<Snapshot> {
  for (let after: string | undefined; ;) {
    const page = await store.db.listGroup('schedules', {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    yield* page;
    after = page.at(-1)?.path;
    if (page.length < PAGE) return;
  }
}

async function attempt(log: Log, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn('Cloud Scheduler could not be brought in line', { what, error: toError(error).message });
  }
}
