import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ScheduleView } from '#core/api/schedules';
import { TerminalError } from '#core/errors';
import { Moment } from '#core/ids';
import { paths } from '#core/paths';
import { graceEndedBefore } from '#core/resource';
import {
  isAwake,
  isTimed,
  Schedule,
  type ScheduleChange,
  type ScheduleDefinition,
  type ScheduledWork,
} from '#core/schedule';
import { create, mustRead, revise } from '#store/document';
import { mustBeActive, mustBeThere } from '#store/model-access';
import { edit, given, mustReadLive, type Resource, softDelete } from '#store/resource';
import { makeId, now, type Store } from '#store/store';
import { nextOccurrences, openCalendar } from './calendar.ts';
import { fireByRequest } from './fire.ts';
import { followMark } from './follow.ts';
import { type ScheduleKey, schedulePath } from './key.ts';
import { justBefore, missedSlot, nextDue } from './plan.ts';

/** Schedules that a model can have, deleted ones apart. */
export const MOST_SCHEDULES = 100;

/** Next times that an answer carries. */
const SHOWN = 5;

/** Who sets a schedule's work and times: its runs may do no more than they. */
export interface Setter {
  readonly actor: string;
  readonly mayDeploy: boolean;
}

/**
 * A new schedule. What it starts is there, and its times are ones that come.
 * @throws TerminalError `not-found`, `model-archived`, `schedule-invalid`, `quota-exceeded`
 */
export async function addSchedule(
  store: Store,
  { tenant, model }: Pick<ScheduleKey, 'tenant' | 'model'>,
  { actor, mayDeploy }: Setter,
  definition: ScheduleDefinition,
): Promise<Schedule> {
  await mustBeActive(store, tenant, model);
  await mustExist(store, tenant, model, definition.what);
  await mustHaveRoom(store, tenant, model);
  const id = makeId(store, 'j');
  const key: ScheduleKey = { tenant, model, schedule: id };
  const at = now(store);
  const schedule = timed(store, {
    id,
    ...definition,
    createdBy: actor,
    mayDeploy,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
    since: at,
    lastSlot: null,
    nextDue: null,
    lastFiredAt: null,
    lastRun: null,
  });
  const path = schedulePath(key);
  return create(store, path, Schedule, schedule, {
    writes: [followMark(store, key)],
    audit: { tenant, actor, action: 'schedule.create', target: path },
  });
}

/** Changes a schedule. Times that are changed count from now: those gone by under the former ones do not come again. */
export async function changeSchedule(
  store: Store,
  key: ScheduleKey,
  { actor, mayDeploy }: Setter,
  { expectedUpdatedAt, ...change }: ScheduleChange,
): Promise<Schedule> {
  await mustBeThere(store, key.tenant, key.model);
  if (change.what !== undefined) await mustExist(store, key.tenant, key.model, change.what);
  return edit(store, resource(key), { tenant: key.tenant, actor }, expectedUpdatedAt, (schedule) => {
    const next = { ...schedule, ...given(change) };
    refuseLoop(next);
    if (isDeepStrictEqual(next, schedule)) return { patch: {} };
    // Who can only run must not have the work of who can deploy done otherwise, nor the other way about.
    next.mayDeploy = mayDeploy;
    const sameTimes = isDeepStrictEqual([next.when, next.notBefore], [schedule.when, schedule.notBefore]);
    // A time that has come, and was not seen to yet, is still to be seen to.
    const patch = sameTimes ? next : timed(store, { ...next, since: now(store) });
    return { patch, writes: [followMark(store, key)] };
  });
}

/**
 * Pauses or resumes; it is as it is wanted already: nothing changes. What came up meanwhile is made up for once where the
 * schedule says so, by the next look of the watch.
 */
export function setPaused(store: Store, key: ScheduleKey, actor: string, paused: boolean): Promise<Schedule> {
  const verb = paused ? 'pause' : 'resume';
  return edit(
    store,
    resource(key),
    { tenant: key.tenant, actor },
    undefined,
    (schedule) =>
      schedule.paused === paused
        ? { patch: {} }
        : {
            patch: turned(store, schedule, paused),
            writes: [followMark(store, key)],
          },
    verb,
  );
}

function turned(store: Store, schedule: Schedule, paused: boolean): Schedule {
  if (paused || schedule.catchUp === 'skip') return timed(store, { ...schedule, paused, since: now(store) });
  const resumed = timed(store, { ...schedule, paused });
  return { ...resumed, nextDue: missedSlot(resumed, store.clock()) ?? resumed.nextDue };
}

export function deleteSchedule(store: Store, key: ScheduleKey, actor: string): Promise<Schedule> {
  return softDelete(
    store,
    resource(key),
    { tenant: key.tenant, actor },
    () => Promise.resolve([]),
    () => ({ patch: { nextDue: null }, writes: [followMark(store, key)] }),
  );
}

/** Undoes a deletion. What came up meanwhile is not made up for. @throws TerminalError `not-found` after the grace */
export async function restoreSchedule(store: Store, key: ScheduleKey, actor: string): Promise<Schedule> {
  const path = schedulePath(key);
  await mustBeThere(store, key.tenant, key.model);
  await mustHaveRoom(store, key.tenant, key.model);
  const restored = await revise(store, path, Schedule, (schedule) => {
    if (schedule.deletedAt === null) return null;
    if (schedule.deletedAt <= graceEndedBefore(store.clock()))
      throw new TerminalError('not-found', `The schedule "${schedule.name}" was deleted too long ago.`, {
        remedy: 'Make a new one.',
      });
    const at = now(store);
    return {
      value: timed(store, { ...schedule, deletedAt: null, updatedAt: at, since: at }),
      writes: [followMark(store, key)],
      audit: { tenant: key.tenant, actor, action: 'schedule.restore', target: path },
    };
  });
  return restored ?? (await mustRead(store, path, Schedule, 'schedule')).value;
}

/** Starts a schedule's work now, as a person or key asks for it. @throws TerminalError `not-found`, `model-archived` */
export async function runNow(store: Store, key: ScheduleKey, actor: string) {
  await mustBeActive(store, key.tenant, key.model);
  await mustReadLive(store, resource(key));
  return fireByRequest(store, key, makeId(store, 'f'), actor);
}

/** A schedule as people see it. */
export function viewOf(store: Store, schedule: Schedule): ScheduleView {
  const { when, notBefore } = schedule;
  const from = Math.max(store.clock(), justBefore(notBefore));
  return {
    ...schedule,
    nextRuns: isTimed(when) && isAwake(schedule) ? nextOccurrences(when, from, SHOWN) : [],
  };
}

export function resource(key: ScheduleKey): Resource<Schedule> {
  return { path: schedulePath(key), schema: Schedule, what: 'schedule', noun: 'schedule' };
}

/** The schedule with its next time. @throws TerminalError `schedule-invalid`, also where it is paused */
function timed(store: Store, schedule: Schedule): Schedule {
  if (isTimed(schedule.when)) openCalendar(schedule.when);
  return { ...schedule, nextDue: nextDue(schedule, store.clock()) };
}

/** @throws TerminalError `schedule-invalid` where the parts do not fit together */
function refuseLoop({ what, when }: Pick<Schedule, 'what' | 'when'>): void {
  if (what.kind === 'etl' && !isTimed(when))
    throw new TerminalError('schedule-invalid', 'A load cannot start after a load or on new data.', {
      remedy: 'Choose a time for it, or have it start a pipeline.',
    });
}

/** As far as it matters here: whether it is deleted. */
const Deletable = z.looseObject({ deletedAt: Moment.nullable().default(null) });

async function mustExist(store: Store, tenant: string, model: string, what: ScheduledWork): Promise<void> {
  if (what.kind === 'etl') return;
  const config = paths.pipelineConfig(tenant, model, what.config);
  await mustReadLive(store, { path: config, schema: Deletable, what: 'pipeline configuration' });
  const dataset = paths.dataset(tenant, model, what.dataset);
  await mustReadLive(store, { path: dataset, schema: Deletable, what: 'data set' });
}

async function mustHaveRoom(store: Store, tenant: string, model: string): Promise<void> {
  const there = await store.db.list(paths.schedules(tenant, model), {
    where: [['deletedAt', '==', null]],
    limit: MOST_SCHEDULES,
  });
  if (there.length < MOST_SCHEDULES) return;
  throw new TerminalError('quota-exceeded', `The model has ${MOST_SCHEDULES} schedules already.`, {
    remedy: 'Delete those that are not needed.',
  });
}
