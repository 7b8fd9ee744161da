import type { Failure } from '#core/errors';
import { type Announcement, announce, type Trigger } from '#core/events';
import { toMoment } from '#core/ids';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { comesToNothing, Firing, Schedule, type StartedRun } from '#core/schedule';
import { Tenant } from '#core/tenant';
import { mustRead, read, revise, type Revision } from '#store/document';
import type { Watched } from '#store/exclusive';
import { type AuditEntry, now, type Store } from '#store/store';
import { triggeredRunId } from '#store/triggered-run';
import { firingId, type ScheduleKey, schedulePath } from './key.ts';
import { dormant, planClock, seenTo, tooLate } from './plan.ts';

/** History is kept for half a year; Firestore's TTL policy on `firings` removes what is older. */
export const KEPT_MS = 183 * 86_400_000;

/** An occasion of a schedule. */
interface Occasion {
  readonly id: string;
  /** What makes it this one: the slot, the ETL run, the firing of a person. */
  readonly name: string;
  readonly cause: Firing['cause'];
  readonly trigger: Trigger;
  readonly requestedBy: string;
  readonly slot: string | null;
  readonly missed: number;
  /** Why nothing is started, where that is known already. */
  readonly reason: Failure | null;
}

/**
 * Sees to the newest time of the calendar at `at` (milliseconds): starts what is to be started, once, and records what
 * became of it. May be called any number of times, by Cloud Scheduler's message and by the watch.
 */
export async function fireByClock(store: Store, key: ScheduleKey, at: number): Promise<void> {
  const path = schedulePath(key);
  // Gone for good: its job goes too, at the next look over all.
  if ((await store.db.get(path)) === null) return;
  await revise(store, path, Schedule, async (schedule) => {
    const due = planClock(schedule, at);
    if (due === null) return null;
    const slot = toMoment(due.slot);
    const occasion: Occasion = {
      id: firingId(key.schedule, slot),
      name: slot,
      cause: 'clock',
      trigger: 'schedule',
      requestedBy: 'system',
      slot,
      missed: due.missed,
      reason: due.reason ?? (schedule.catchUp === 'once' ? null : tooLate(due.slot, store.clock())),
    };
    const revision = await planFiring(store, key, schedule, occasion);
    return revision === null ? null : { ...revision, value: seenTo(revision.value, due) };
  });
}

/** Sees to the end of an ETL run that a schedule waits for, once per run. */
export async function fireAfterEtl(
  store: Store,
  key: ScheduleKey,
  etlRun: string,
  trigger: Extract<Trigger, 'after-etl' | 'new-data'>,
): Promise<void> {
  await revise(store, schedulePath(key), Schedule, (schedule) =>
    planFiring(store, key, schedule, {
      id: firingId(key.schedule, etlRun),
      name: etlRun,
      cause: 'etl',
      trigger,
      requestedBy: 'system',
      slot: null,
      missed: 0,
      reason: dormant(schedule),
    }),
  );
}

/** Fires because a person or key asks for it, as the firing `id`: asked again, the answer is what became of it. */
export async function fireByRequest(
  store: Store,
  key: ScheduleKey,
  id: string,
  actor: string,
): Promise<Firing> {
  const path = schedulePath(key);
  const target = paths.firing(key.tenant, key.model, key.schedule, id);
  await revise(store, path, Schedule, (schedule) =>
    planFiring(store, key, schedule, {
      id,
      name: id,
      cause: 'person',
      trigger: 'schedule',
      requestedBy: actor,
      slot: null,
      missed: 0,
      reason: null,
    }),
  );
  return (await mustRead(store, target, Firing, 'firing')).value;
}

/** The firing with what it starts, in one batch with the schedule's own change; null where it was recorded before. */
async function planFiring(
  store: Store,
  key: ScheduleKey,
  schedule: Schedule,
  occasion: Occasion,
): Promise<Revision<Schedule> | null> {
  const { tenant, model } = key;
  const path = paths.firing(tenant, model, key.schedule, occasion.id);
  if ((await store.db.get(path)) !== null) return null;
  const message = `${key.schedule}~${occasion.name}`;
  const { kind } = schedule.what;
  const run: StartedRun = { kind, id: triggeredRunId(kind, { tenant, model, key: message }) };
  const reason = occasion.reason ?? (await hindrance(store, key, schedule));
  const at = now(store);
  const firing: Firing = {
    id: occasion.id,
    schedule: key.schedule,
    status: reason === null ? 'requested' : 'skipped',
    cause: occasion.cause,
    slot: occasion.slot,
    missed: occasion.missed,
    requestedBy: occasion.requestedBy,
    run: reason === null ? run : null,
    reason: reason === null ? null : { ...reason },
    succeeded: null,
    concludedAt: reason === null ? null : at,
    attempt: 0,
    retryOf: null,
    retriedBy: null,
    failedRun: null,
    dueAt: null,
    createdAt: at,
  };
  const watched: Watched = { kind: 'firing', path, tenant, model, id: occasion.id };
  return {
    value: reason === null ? { ...schedule, lastFiredAt: at } : schedule,
    writes: [
      { kind: 'create', path, data: { ...firing, expireAt: new Date(store.clock() + KEPT_MS) } },
      ...(reason === null
        ? [{ kind: 'create' as const, path: paths.watched(path), data: { ...watched } }]
        : []),
    ],
    announcements:
      reason === null
        ? [startMessage(key, schedule, occasion.trigger, message)]
        : comesToNothing(firing)
          ? [announce('schedule-concluded', { ...key, firing: occasion.id })]
          : [],
    ...(reason === null || occasion.cause === 'person' ? { audit: auditOf(tenant, occasion, path) } : {}),
  };
}

/**
 * Makes a try that waits, once its pause is over: its run is asked for, unless something is in the way, or the schedule has
 * started another since. May be called any number of times.
 */
export async function fireRetry(store: Store, key: ScheduleKey, id: string): Promise<void> {
  const path = paths.firing(key.tenant, key.model, key.schedule, id);
  const { value: schedule } = await mustRead(store, schedulePath(key), Schedule, 'schedule');
  await revise(store, path, Firing, async (firing): Promise<Revision<Firing> | null> => {
    const at = now(store);
    if (firing.status !== 'waiting' || (firing.dueAt ?? at) > at) return null;
    const message = `${key.schedule}~${id}`;
    const { kind } = schedule.what;
    const reason =
      dormant(schedule) ?? overtaken(schedule, firing) ?? (await hindrance(store, key, schedule));
    if (reason !== null) {
      const skipped: Firing = { ...firing, status: 'skipped', reason: { ...reason }, concludedAt: at };
      const told = comesToNothing(skipped) ? [announce('schedule-concluded', { ...key, firing: id })] : [];
      const writes = [{ kind: 'delete' as const, path: paths.watched(path) }];
      return { value: skipped, writes, announcements: told };
    }
    const run = { kind, id: triggeredRunId(kind, { tenant: key.tenant, model: key.model, key: message }) };
    return {
      // From here on it is waited for from now: it was not asked for before.
      value: { ...firing, status: 'requested', run, dueAt: at },
      writes: [{ kind: 'update', path: schedulePath(key), data: { lastFiredAt: at } }],
      announcements: [startMessage(key, schedule, 'schedule', message, firing.failedRun)],
      audit: { tenant: key.tenant, actor: 'system', action: 'schedule.fire', target: path },
    };
  });
}

function overtaken({ lastFiredAt }: Schedule, { createdAt }: Firing): Failure | null {
  if (lastFiredAt === null || lastFiredAt <= createdAt) return null;
  return {
    code: 'retry-overtaken',
    message: `The schedule has started another run since, at ${lastFiredAt}.`,
    remedy: null,
  };
}

function auditOf(tenant: string, { cause, requestedBy }: Occasion, target: string): AuditEntry {
  const action = cause === 'person' ? 'schedule.run' : 'schedule.fire';
  return { tenant, actor: requestedBy, action, target };
}

function startMessage(
  { tenant, model }: ScheduleKey,
  { what, overlap, mayDeploy }: Schedule,
  trigger: Trigger,
  key: string,
  failedRun: string | null = null,
): Announcement {
  // Should another run begin in between, the starter holds to the same policy.
  const asked = { tenant, model, trigger, key, overlap: overlap === 'queue' ? 'queue' : 'refuse' } as const;
  return what.kind === 'etl'
    ? announce('etl-start-requested', {
        ...asked,
        ...(what.together === undefined ? {} : { together: what.together }),
        ...(failedRun === null ? {} : { retryOf: failedRun }),
      })
    : announce('pipeline-start-requested', {
        ...asked,
        config: what.config,
        dataset: what.dataset,
        mayDeploy,
      });
}

/** Why nothing can be started now; null where something can. */
async function hindrance(store: Store, key: ScheduleKey, schedule: Schedule): Promise<Failure | null> {
  const { tenant, model } = key;
  const [owner, found] = await Promise.all([
    read(store, paths.tenant(tenant), Tenant),
    read(store, paths.model(tenant, model), Model),
  ]);
  if (owner?.value.status !== 'active')
    return {
      code: 'tenant-suspended',
      message: `The tenant is ${owner?.value.status ?? 'gone'}.`,
      remedy: 'Ask the operator.',
    };
  if (found === null || found.value.deletedAt !== null)
    return { code: 'model-deleted', message: 'The model is deleted.', remedy: 'Restore it.' };
  if (found.value.status === 'archived')
    return { code: 'model-archived', message: 'The model is archived.', remedy: 'Unarchive it.' };
  return obstacle(store, key, schedule);
}

/** What is in the way of another run of the kind: an active one, or where it may wait for that, one that waits already. */
async function obstacle(
  store: Store,
  { tenant, model }: ScheduleKey,
  { what, overlap }: Schedule,
): Promise<Failure | null> {
  const queues = overlap === 'queue';
  const lock = await store.db.get((queues ? paths.waiting : paths.lock)(tenant, model, what.kind));
  if (lock === null) return null;
  const run = `${what.kind === 'etl' ? 'load' : 'pipeline run'} ${String(lock.data['run'])}`;
  return queues
    ? {
        code: 'run-waiting',
        message: `The ${run} was waiting already for the active one to end.`,
        remedy: 'Choose times further apart.',
      }
    : {
        code: 'run-active',
        message: `The ${run} was still active.`,
        remedy: 'Choose times further apart, or let it wait in the queue.',
      };
}
