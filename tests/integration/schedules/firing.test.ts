import { announce } from '#core/events';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { Firing, Schedule, type ScheduledWork, type When } from '#core/schedule';
import { makeLog } from '#runtime/log';
import { read, readAll } from '#store/document';
import { noteStartRefusal, triggeredRunId } from '#store/triggered-run';
import { freshTenant, openTestStore } from '#tests/store';
import { seeToEtlEnd } from '../../../functions/schedules/after-etl.ts';
import { concludeRun } from '../../../functions/schedules/conclude.ts';
import { fireByClock } from '../../../functions/schedules/fire.ts';
import {
  addSchedule,
  changeSchedule,
  deleteSchedule,
  restoreSchedule,
  runNow,
  setPaused,
} from '../../../functions/schedules/schedules.ts';
import { settleFirings, START_MINUTES } from '../../../functions/schedules/settle.ts';
import { fireOverdue } from '../../../functions/schedules/watch.ts';

/** A project of its own: the watch finds nothing overdue of other tests. */
const PROJECT = 'demo-firings';
const store = openTestStore(PROJECT);
afterAll(() => store.db.close());
const quiet = makeLog(
  'test',
  () => 0,
  () => undefined,
);

const MODEL = 'mtest';
const HOURLY: When = { kind: 'cron', cron: '0 * * * *', timeZone: 'Europe/Berlin' };
const PIPELINE: ScheduledWork = { kind: 'pipeline', config: 'cone', dataset: 'done' };

const fail = (what: string): never => {
  throw new Error(what);
};

/** A schedule in a model of its own; `hour` is a time of its calendar to come, by which the store's clock is set. */
async function scene(
  definition: Partial<Pick<Schedule, 'when' | 'what' | 'overlap' | 'catchUp' | 'retries'>> = {},
) {
  store.ahead = 0;
  const tenant = freshTenant();
  const at = toMoment(store.clock());
  const cloud = { projectId: PROJECT, location: 'europe-west1', bucket: 'b', datasetPrefix: 'tw_' };
  const set = (path: string, data: object) => store.db.commit([{ kind: 'set', path, data }]);
  await set(paths.tenant(tenant), {
    id: tenant,
    name: 'T',
    plan: 'trial',
    status: 'active',
    cloud,
    createdAt: at,
  });
  const model = {
    id: MODEL,
    name: 'M',
    description: '',
    status: 'draft',
    createdAt: at,
    liveDeployment: null,
  };
  await set(paths.model(tenant, MODEL), model);
  await set(paths.pipelineConfig(tenant, MODEL, 'cone'), { deletedAt: null });
  await set(paths.dataset(tenant, MODEL, 'done'), { deletedAt: null, tables: [{ destination: 'orders' }] });
  const { id } = await addSchedule(
    store,
    { tenant, model: MODEL },
    { actor: 'u1', mayDeploy: true },
    {
      name: 'Nightly',
      what: { kind: 'etl' },
      when: HOURLY,
      overlap: 'skip',
      catchUp: 'skip',
      retries: { times: 0, minutes: 10 },
      notBefore: null,
      paused: false,
      ...definition,
    },
  );
  const key = { tenant, model: MODEL, schedule: id };
  const path = paths.schedule(tenant, MODEL, id);
  const HOUR = 3_600_000;
  const hour = Math.ceil(Date.now() / HOUR) * HOUR;
  return {
    key,
    tenant,
    set,
    hour,
    slot: (n: number) => toMoment(hour + n * HOUR),
    /** Cloud Scheduler's message for the nth time, published a second after it. */
    fire: async (n: number, deliveredLater = 0) => {
      const at = hour + n * HOUR + 1000;
      store.ahead = at + deliveredLater - Date.now();
      await fireByClock(store, key, at);
    },
    clockTo: (millis: number) => {
      store.ahead = millis - Date.now();
    },
    schedule: async () => (await read(store, path, Schedule))?.value,
    firings: () =>
      readAll(store, paths.firings(tenant, MODEL, id), Firing, { orderBy: ['createdAt', 'asc'] }),
    messages: () =>
      store.published.filter(
        ({ topic, payload }) => topic.endsWith('start-requested') && Object(payload).tenant === tenant,
      ),
  };
}

test('a message that comes twenty times at once starts one run; one that comes later finds it done', async () => {
  const { fire, firings, messages, key, slot, schedule } = await scene();
  await Promise.all(Array.from({ length: 20 }, () => fire(0)));
  await fire(0, 3_000_000);
  expect(await firings()).toMatchObject([{ status: 'requested', slot: slot(0), cause: 'clock', missed: 0 }]);
  const started = `${key.schedule}~${slot(0)}`;
  expect(messages()).toEqual([
    announce('etl-start-requested', {
      tenant: key.tenant,
      model: MODEL,
      trigger: 'schedule',
      key: started,
      overlap: 'refuse',
    }),
  ]);
  expect(await schedule()).toMatchObject({ lastSlot: slot(0), nextDue: slot(1) });
});

test('messages out of order: the later one starts its run, the earlier one is recorded and starts nothing', async () => {
  const { fire, firings, messages, slot, schedule } = await scene();
  await fire(0);
  await fire(3);
  await fire(1, 7_300_000);
  await fire(1, 7_400_000);
  const all = await firings();
  expect(all).toMatchObject([
    { slot: slot(0), status: 'requested', missed: 0 },
    { slot: slot(3), status: 'requested', missed: 2 },
    { slot: slot(1), status: 'skipped', reason: { code: 'out-of-order' }, run: null },
  ]);
  expect(all).toHaveLength(3);
  expect(messages()).toHaveLength(2);
  expect(await schedule()).toMatchObject({ lastSlot: slot(3) });
});

test('a message when the calendar knows no time starts nothing: a forced run, or a job with former times', async () => {
  const { key, hour, clockTo, firings, fire } = await scene();
  clockTo(hour - 1_500_000);
  await fireByClock(store, key, hour - 1_500_000);
  expect(await firings()).toEqual([]);
  await fire(0);
  await fireByClock(store, key, hour + 1_200_000);
  expect(await firings()).toHaveLength(1);
});

test.each([
  ['schedule-paused', async ({ key }: Scene) => void (await setPaused(store, key, 'u1', true))],
  ['schedule-deleted', async ({ key }: Scene) => void (await deleteSchedule(store, key, 'u1'))],
  [
    'tenant-suspended',
    ({ tenant }: Scene) =>
      store.db.commit([{ kind: 'update', path: paths.tenant(tenant), data: { status: 'suspended' } }]),
  ],
  [
    'model-archived',
    ({ tenant }: Scene) =>
      store.db.commit([{ kind: 'update', path: paths.model(tenant, MODEL), data: { status: 'archived' } }]),
  ],
  ['run-active', ({ tenant, set }: Scene) => set(paths.lock(tenant, MODEL, 'etl'), { run: 'rother' })],
])('nothing is started, and the history says why: %s', async (code, spoil) => {
  const stage = await scene();
  await spoil(stage);
  await stage.fire(0);
  await stage.fire(0);
  expect(await stage.firings()).toMatchObject([{ status: 'skipped', run: null, reason: { code } }]);
  expect(stage.messages()).toEqual([]);
});
type Scene = Awaited<ReturnType<typeof scene>>;

test('with the overlap policy "queue" a run waits behind the active one, and one only', async () => {
  const { tenant, set, fire, firings, messages } = await scene({ overlap: 'queue' });
  await set(paths.lock(tenant, MODEL, 'etl'), { run: 'rother' });
  await fire(0);
  expect(messages()).toMatchObject([{ payload: { overlap: 'queue' } }]);
  await set(paths.waiting(tenant, MODEL, 'etl'), { run: 'rwaits' });
  await fire(1);
  expect(await firings()).toMatchObject([
    { status: 'requested' },
    { status: 'skipped', reason: { code: 'run-waiting' } },
  ]);
});

test('what came up while it was paused or deleted is not made up for', async () => {
  const { key, hour, clockTo, fire, firings, slot } = await scene();
  await setPaused(store, key, 'u1', true);
  clockTo(hour + 2 * 3_600_000 + 60_000);
  await setPaused(store, key, 'u1', false);
  await deleteSchedule(store, key, 'u1');
  clockTo(hour + 4 * 3_600_000 + 60_000);
  await restoreSchedule(store, key, 'u1');
  await fireOverdue(store, quiet);
  expect(await firings()).toEqual([]);
  await fire(5);
  expect(await firings()).toMatchObject([{ slot: slot(5), status: 'requested', missed: 0 }]);
});

test('a schedule that is made paused has times that come, too', async () => {
  const { key } = await scene();
  const never = {
    name: 'Never',
    what: { kind: 'etl' },
    when: { kind: 'cron', cron: '0 0 31 4 *', timeZone: 'UTC' },
    overlap: 'skip',
    catchUp: 'skip',
    retries: { times: 0, minutes: 10 },
    notBefore: null,
    paused: true,
  } as const;
  await expect(addSchedule(store, key, { actor: 'u1', mayDeploy: true }, never)).rejects.toMatchObject({
    code: 'schedule-invalid',
  });
});

test('a message that Cloud Scheduler sends for a paused schedule is told of once; nothing wakes it again', async () => {
  const { key, fire, firings, clockTo, hour, schedule } = await scene();
  await setPaused(store, key, 'u1', true);
  await fire(0);
  expect(await schedule()).toMatchObject({ nextDue: null });
  clockTo(hour + 3 * 3_600_000);
  await fireOverdue(store, quiet);
  expect(await firings()).toMatchObject([{ status: 'skipped', reason: { code: 'schedule-paused' } }]);
});

test('the watch wakes what nobody woke, once, after a few minutes; a message that comes then finds it done', async () => {
  const { hour, clockTo, fire, firings, slot } = await scene();
  clockTo(hour + 120_000);
  await fireOverdue(store, quiet);
  expect(await firings()).toEqual([]);
  clockTo(hour + 240_000);
  await Promise.all([fireOverdue(store, quiet), fireOverdue(store, quiet)]);
  await fire(0, 300_000);
  expect(await firings()).toMatchObject([{ slot: slot(0), status: 'requested' }]);
  expect(await firings()).toHaveLength(1);
});

test('after an outage the newest time is made up for, unless it is half a day ago', async () => {
  const { hour, clockTo, firings, slot } = await scene();
  clockTo(hour + 5 * 3_600_000 + 240_000);
  await fireOverdue(store, quiet);
  expect(await firings()).toMatchObject([{ slot: slot(5), status: 'requested', missed: 5 }]);
  const daily = await scene({ when: { kind: 'daily', at: '00:00', timeZone: 'UTC' } });
  const midnight = Date.parse((await daily.schedule())?.nextDue ?? '');
  daily.clockTo(midnight + 13 * 3_600_000);
  await fireOverdue(store, quiet);
  expect(await daily.firings()).toMatchObject([{ status: 'skipped', reason: { code: 'too-late' } }]);
});

test('with catch-up "once" the newest missed time is made up for: of a pause, and of a long outage', async () => {
  const paused = await scene({ catchUp: 'once' });
  await setPaused(store, paused.key, 'u1', true);
  await paused.fire(1);
  expect(await paused.firings()).toEqual([]);
  paused.clockTo(paused.hour + 3 * 3_600_000 + 600_000);
  expect((await setPaused(store, paused.key, 'u1', false)).nextDue).toBe(paused.slot(3));
  await fireOverdue(store, quiet);
  await fireOverdue(store, quiet);
  expect(await paused.firings()).toMatchObject([{ slot: paused.slot(3), status: 'requested', missed: 3 }]);
  const down = await scene({ catchUp: 'once', when: { kind: 'daily', at: '00:00', timeZone: 'UTC' } });
  down.clockTo(Date.parse((await down.schedule())?.nextDue ?? '') + 30 * 3_600_000);
  await fireOverdue(store, quiet);
  expect(await down.firings()).toMatchObject([{ status: 'requested', missed: 1 }]);
});

test('a run that fails is started again after growing pauses, its unloaded tables alone, as often as was said', async () => {
  const stage = await scene({ retries: { times: 2, minutes: 10 } });
  const { key, tenant, set, firings, fire, messages, hour, clockTo } = stage;
  const failure = { code: 'source-unreachable', message: 'It did not answer.', remedy: null };
  const end = async (run: string, status: string) => {
    const at = toMoment(store.clock());
    const counts = { rows: 0, bytes: 0, rejected: {} };
    const common = { requestedBy: 'system', tables: 1, attempts: 1, executor: null, counts };
    const told = status === 'succeeded' ? null : failure;
    const moments = { createdAt: at, startedAt: at, finishedAt: at };
    await set(paths.etlRun(tenant, MODEL, run), { id: run, status, failure: told, ...common, ...moments });
    const started = { kind: 'etl', id: run } as const;
    await Promise.all([concludeRun(store, key, started), concludeRun(store, key, started)]);
  };
  const concluded = () =>
    store.published.filter(
      ({ topic, payload }) => topic === 'schedule-concluded' && Object(payload).tenant === tenant,
    );
  await fire(0);
  const runs: string[] = [];
  for (const [after, status] of [
    [0, 'failed'],
    [12, 'partial'],
    [40, 'failed'],
  ] as const) {
    clockTo(hour + after * 60_000 + 30_000);
    await settleFirings(store, quiet);
    await settleFirings(store, quiet);
    const run = (await firings()).at(-1)?.run?.id ?? fail('no run');
    runs.push(run);
    await end(run, status);
  }
  expect(new Set(runs).size).toBe(3);
  const all = await firings();
  expect(all).toMatchObject([
    { cause: 'clock', attempt: 0, succeeded: false, reason: failure, retriedBy: all[1]?.id },
    { cause: 'retry', attempt: 1, retryOf: all[0]?.id, failedRun: runs[0], retriedBy: all[2]?.id },
    {
      cause: 'retry',
      attempt: 2,
      retryOf: all[0]?.id,
      failedRun: runs[1],
      retriedBy: null,
      succeeded: false,
    },
  ]);
  expect(messages().map(({ payload }) => Object(payload).retryOf)).toEqual([undefined, runs[0], runs[1]]);
  // Its end is told once, when nothing is left to try.
  expect(concluded()).toMatchObject([{ payload: { firing: all[2]?.id } }]);
});

test('a try that waits is left out where the schedule has started another run, is paused, or the run was cancelled', async () => {
  const failed = { requestedBy: 'u1', tables: 1, attempts: 1, executor: null, failure: null };
  const ends = async ({ tenant, set, key, firings }: Scene, status: string) => {
    const id = (await firings()).at(-1)?.run?.id ?? fail('no run');
    const at = toMoment(store.clock());
    const counts = { rows: 0, bytes: 0, rejected: {} };
    const moments = { createdAt: at, startedAt: at, finishedAt: at };
    await set(paths.etlRun(tenant, MODEL, id), { id, status, counts, ...failed, ...moments });
    await concludeRun(store, key, { kind: 'etl', id });
  };
  const spoiled: [string, (stage: Scene) => Promise<unknown>][] = [
    ['retry-overtaken', ({ key }) => runNow(store, key, 'u1')],
    ['schedule-paused', ({ key }) => setPaused(store, key, 'u1', true)],
  ];
  for (const [code, spoil] of spoiled) {
    const stage = await scene({ retries: { times: 1, minutes: 10 } });
    await stage.fire(0);
    await ends(stage, 'failed');
    stage.clockTo(stage.hour + 60_000);
    await spoil(stage);
    stage.clockTo(stage.hour + 700_000);
    await settleFirings(store, quiet);
    expect((await stage.firings()).find(({ cause }) => cause === 'retry')).toMatchObject({
      status: 'skipped',
      run: null,
      reason: { code },
    });
  }
  const cancelled = await scene({ retries: { times: 1, minutes: 10 } });
  await cancelled.fire(0);
  await ends(cancelled, 'cancelled');
  expect(await cancelled.firings()).toMatchObject([{ reason: { code: 'run-cancelled' }, retriedBy: null }]);
});

test('run now: once for one request, paused or not, and its policy holds', async () => {
  const { key, tenant, set, firings, messages } = await scene();
  await setPaused(store, key, 'u1', true);
  expect(await runNow(store, key, 'key:kone')).toMatchObject({
    status: 'requested',
    cause: 'person',
    requestedBy: 'key:kone',
  });
  await set(paths.lock(tenant, MODEL, 'etl'), { run: 'rother' });
  expect(await runNow(store, key, 'u1')).toMatchObject({ status: 'skipped', reason: { code: 'run-active' } });
  expect(await firings()).toHaveLength(2);
  expect(messages()).toHaveLength(1);
});

test('a firing learns what became of its run: there, refused with the reason, or never heard of', async () => {
  const { key, tenant, set, fire, firings, schedule, slot, hour, clockTo } = await scene();
  const runOf = (n: number) => {
    const asked = { tenant, model: MODEL, key: `${key.schedule}~${slot(n)}` };
    return { asked, id: triggeredRunId('etl', asked) };
  };
  await fire(0);
  await settleFirings(store, quiet);
  expect(await firings()).toMatchObject([{ status: 'requested' }]);
  await set(paths.etlRun(tenant, MODEL, runOf(0).id), { any: 'run' });
  await fire(1);
  const failure = { code: 'nothing-to-load', message: 'No table is enabled.', remedy: null };
  await noteStartRefusal(store, 'etl', runOf(1).asked, failure);
  await fire(2);
  clockTo(hour + 2 * 3_600_000 + (START_MINUTES + 1) * 60_000);
  await settleFirings(store, quiet);
  await settleFirings(store, quiet);
  expect(await firings()).toMatchObject([
    { status: 'started', run: { kind: 'etl', id: runOf(0).id }, reason: null },
    { status: 'skipped', run: null, reason: failure },
    { status: 'skipped', run: null, reason: { code: 'not-started' } },
  ]);
  expect(await schedule()).toMatchObject({ lastRun: { kind: 'etl', id: runOf(0).id } });
});

describe('after a load', () => {
  const endLoad = async ({ tenant, set }: Scene, run: string, status: string, rows: number) => {
    const counts = { rows, bytes: 0, rejected: {} };
    const at = toMoment(store.clock());
    const common = { status, counts, failure: null, createdAt: at, finishedAt: at };
    const work = { requestedBy: 'u1', tables: 1, attempts: 1, executor: null, startedAt: at };
    await set(paths.etlRun(tenant, MODEL, run), { id: run, ...common, ...work });
    const table = {
      id: 'tone',
      run,
      source: 'sone',
      name: 'orders',
      destination: 'orders',
      mode: 'append',
      watermark: null,
    };
    await set(paths.etlTable(tenant, MODEL, run, 'tone'), { ...table, ...common, status: 'succeeded' });
    await seeToEtlEnd(store, { tenant, model: MODEL, run });
    await seeToEtlEnd(store, { tenant, model: MODEL, run });
  };

  test('a pipeline starts once for each that succeeded, for none that failed, and for partial ones if wanted', async () => {
    const stage = await scene({ what: PIPELINE, when: { kind: 'after-etl', partial: false } });
    await endLoad(stage, 'rone', 'succeeded', 5);
    await endLoad(stage, 'rtwo', 'partial', 5);
    await endLoad(stage, 'rthree', 'failed', 0);
    await seeToEtlEnd(store, { tenant: stage.tenant, model: MODEL, run: 'rone' });
    expect(stage.messages()).toMatchObject([
      {
        topic: 'pipeline-start-requested',
        payload: { trigger: 'after-etl', config: 'cone', dataset: 'done' },
      },
    ]);
    const also = await scene({ what: PIPELINE, when: { kind: 'after-etl', partial: true } });
    await endLoad(also, 'rtwo', 'partial', 5);
    expect(also.messages()).toHaveLength(1);
  });

  test('on new data: only once enough rows have come since the last pipeline run', async () => {
    const stage = await scene({ what: PIPELINE, when: { kind: 'new-data', minRows: 100 } });
    await endLoad(stage, 'rone', 'succeeded', 60);
    expect(stage.messages()).toEqual([]);
    store.ahead += 1000;
    await endLoad(stage, 'rtwo', 'partial', 60);
    expect(stage.messages()).toMatchObject([
      { payload: { trigger: 'new-data', key: `${stage.key.schedule}~rtwo` } },
    ]);
  });
});

test('a time that has come is not lost because somebody renames the schedule before it is seen to', async () => {
  const { key, clockTo, hour, slot, schedule } = await scene();
  expect(await schedule()).toMatchObject({ nextDue: slot(0) });
  clockTo(hour + 60_000);
  const by = { actor: 'u1', mayDeploy: false };
  expect(await changeSchedule(store, key, by, { name: 'Hourly' })).toMatchObject({
    name: 'Hourly',
    nextDue: slot(0),
    mayDeploy: false,
  });
  // Other times begin anew.
  const daily = { kind: 'daily' as const, at: '05:00', timeZone: 'UTC' };
  expect((await changeSchedule(store, key, by, { when: daily })).nextDue).not.toBe(slot(0));
});
