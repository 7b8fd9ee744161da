import type { Snapshot, Write } from '#cloud/firestore';
import type { Failure } from '#core/errors';
import { EtlRun } from '#core/etl-run';
import { announce } from '#core/events';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { Firing, retryPauseMinutes, Schedule, type StartedRun } from '#core/schedule';
import { read, revise, type Revision } from '#store/document';
import type { Watched } from '#store/exclusive';
import { now, type Store } from '#store/store';
import { KEPT_MS } from './fire.ts';
import { firingId, type ScheduleKey } from './key.ts';

/** A run that is over, as far as its schedule cares. */
interface Ended {
  readonly succeeded: boolean;
  /** Why it did not; null where it did. */
  readonly failure: Failure | null;
  /** Whether it may be tried again: not where a person ended it, or where it ended as it should. */
  readonly again: boolean;
}

/**
 * Sees to the end of a run that a schedule started: its firing learns how it ended, and where it failed and the schedule
 * has tries left, the next one is written to be started after a pause. May be called again: each end counts once.
 */
export async function concludeRun(
  store: Store,
  place: { readonly tenant: string; readonly model: string },
  run: StartedRun,
): Promise<void> {
  const found = await firingOf(store, place, run);
  if (found === null) return;
  const ended = await endOf(store, place, run);
  if (ended === null) return;
  const schedule = await read(store, paths.schedule(place.tenant, place.model, found.schedule), Schedule);
  const key = { ...place, schedule: found.schedule };
  await revise(
    store,
    paths.firing(key.tenant, key.model, key.schedule, found.id),
    Firing,
    (firing): Revision<Firing> | null => {
      if (firing.concludedAt !== null) return null;
      const next = schedule === null ? null : planRetry(schedule.value, firing, ended, store.clock());
      return {
        value: {
          ...firing,
          status: 'started',
          succeeded: ended.succeeded,
          reason: ended.failure === null ? null : { ...ended.failure },
          concludedAt: now(store),
          retriedBy: next?.id ?? null,
        },
        writes: next === null ? [] : retryWrites(store, key, next),
        announcements: next === null ? [announce('schedule-concluded', { ...key, firing: firing.id })] : [],
      };
    },
  );
}

/** The firing that asked for `run`; null where none did. Ids of runs are made from their occasion: no two have the same. */
async function firingOf(
  store: Store,
  { tenant, model }: { readonly tenant: string; readonly model: string },
  { id }: StartedRun,
): Promise<Firing | null> {
  const found: Snapshot[] = await store.db.listGroup('firings', { where: [['run.id', '==', id]], limit: 5 });
  const own = found.find(({ path }) => path.startsWith(`${paths.schedules(tenant, model)}/`));
  return own === undefined ? null : Firing.parse(own.data);
}

async function endOf(
  store: Store,
  { tenant, model }: { readonly tenant: string; readonly model: string },
  { kind, id }: StartedRun,
): Promise<Ended | null> {
  const found =
    kind === 'etl'
      ? await read(store, paths.etlRun(tenant, model, id), EtlRun)
      : await read(store, paths.pipelineRun(tenant, model, id), PipelineRun);
  if (found === null || found.value.finishedAt === null) return null;
  const { status, failure } = found.value;
  if (status === 'succeeded') return { succeeded: true, failure: null, again: false };
  if (status === 'cancelled')
    return {
      succeeded: false,
      failure: { code: 'run-cancelled', message: `The run ${id} was cancelled.`, remedy: null },
      again: false,
    };
  const told = failure ?? { code: 'run-failed', message: `The run ${id} ended as ${status}.`, remedy: null };
  // The quality gate would say the same of the same data.
  return { succeeded: false, failure: told, again: status !== 'rejected' };
}

/** The next try of an occasion whose run failed; null where there is none left. Pure. */
export function planRetry(
  { retries }: Pick<Schedule, 'retries'>,
  firing: Firing,
  { again }: Pick<Ended, 'again'>,
  clock: number,
): Firing | null {
  if (!again || firing.attempt >= retries.times) return null;
  const first = firing.retryOf ?? firing.id;
  const attempt = firing.attempt + 1;
  return {
    id: firingId(firing.schedule, `${first}~${attempt}`),
    schedule: firing.schedule,
    status: 'waiting',
    cause: 'retry',
    slot: firing.slot,
    missed: 0,
    requestedBy: 'system',
    run: null,
    reason: null,
    succeeded: null,
    concludedAt: null,
    attempt,
    retryOf: first,
    retriedBy: null,
    failedRun: firing.run?.id ?? null,
    dueAt: toMoment(clock + retryPauseMinutes(retries, attempt) * 60_000),
    createdAt: toMoment(clock),
  };
}

function retryWrites(store: Store, { tenant, model, schedule }: ScheduleKey, firing: Firing): Write[] {
  const path = paths.firing(tenant, model, schedule, firing.id);
  const watched: Watched = { kind: 'firing', path, tenant, model, id: firing.id };
  return [
    { kind: 'create', path, data: { ...firing, expireAt: new Date(store.clock() + KEPT_MS) } },
    { kind: 'create', path: paths.watched(path), data: { ...watched } },
  ];
}
