import { openScheduler, type Scheduler } from '#cloud/scheduler';
import { TransientError } from '#core/errors';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { makeLog } from '#runtime/log';
import { freshTenant, openTestStore } from '#tests/store';
import { useLocalCloud } from '#tests/local-cloud';
import { follow, followMarked, reconcile } from '../../../functions/schedules/follow.ts';
import { jobId, type ScheduleKey } from '../../../functions/schedules/key.ts';
import {
  addSchedule,
  changeSchedule,
  deleteSchedule,
  setPaused,
} from '../../../functions/schedules/schedules.ts';

/*
 * Each change is written and then told to Cloud Scheduler. Here the process dies in between, again and again: what is
 * written is the truth, and the watch brings Cloud Scheduler in line.
 */
/** A project of its own: a look over everything sees nothing of other tests. */
const PROJECT = 'demo-schedules';
const store = openTestStore(PROJECT);
const scheduler = openScheduler({
  projectId: PROJECT,
  location: 'europe-west1',
  endpoints: { scheduler: useLocalCloud().env['SCHEDULER_ENDPOINT'] },
});
afterAll(() => store.db.close());
const quiet = makeLog(
  'test',
  () => 0,
  () => undefined,
);

/** A schedule that is written and of which Cloud Scheduler has not heard. */
async function unheard(): Promise<{ key: ScheduleKey; id: string; marked: () => Promise<boolean> }> {
  const tenant = freshTenant();
  const model = freshTenant().replace('t', 'm');
  const data = { id: model, name: 'M', description: '', status: 'draft', liveDeployment: null };
  await store.db.commit([
    { kind: 'set', path: paths.model(tenant, model), data: { ...data, createdAt: toMoment(Date.now()) } },
  ]);
  const { id } = await addSchedule(
    store,
    { tenant, model },
    { actor: 'u1', mayDeploy: true },
    {
      name: 'Nightly',
      what: { kind: 'etl' },
      when: { kind: 'weekly', at: '02:30', days: ['mon', 'thu'], timeZone: 'Europe/Berlin' },
      overlap: 'skip',
      catchUp: 'skip',
      retries: { times: 0, minutes: 10 },
      notBefore: null,
      paused: false,
    },
  );
  const key = { tenant, model, schedule: id };
  const mark = paths.watched(paths.schedule(tenant, model, id));
  return { key, id: jobId(key), marked: async () => (await store.db.get(mark)) !== null };
}

test('a process that dies after each write, before Cloud Scheduler hears of it: the watch tells it', async () => {
  const { key, id, marked } = await unheard();
  expect(await scheduler.getJob(id)).toBeNull();
  await followMarked(store, scheduler, quiet);
  const made = {
    id,
    cron: '30 2 * * mon,thu',
    timeZone: 'Europe/Berlin',
    topic: 'schedule-fired',
    data: JSON.stringify(key),
    paused: false,
  };
  expect(await scheduler.getJob(id)).toEqual(made);
  expect(await marked()).toBe(false);

  await changeSchedule(
    store,
    key,
    { actor: 'u1', mayDeploy: true },
    { when: { kind: 'daily', at: '05:00', timeZone: 'UTC' } },
  );
  expect(await marked()).toBe(true);
  await followMarked(store, scheduler, quiet);
  expect(await scheduler.getJob(id)).toEqual({ ...made, cron: '0 5 * * *', timeZone: 'UTC' });

  await setPaused(store, key, 'u1', true);
  await followMarked(store, scheduler, quiet);
  expect(await scheduler.getJob(id)).toMatchObject({ paused: true, cron: '0 5 * * *' });
  await setPaused(store, key, 'u1', false);
  await followMarked(store, scheduler, quiet);
  expect(await scheduler.getJob(id)).toMatchObject({ paused: false });

  await deleteSchedule(store, key, 'u1');
  await followMarked(store, scheduler, quiet);
  expect(await scheduler.getJob(id)).toBeNull();
  expect(await marked()).toBe(false);
});

test('dead right after Cloud Scheduler heard: told again, and nothing is there twice', async () => {
  const { key, id, marked } = await unheard();
  const dying: Scheduler = {
    ...scheduler,
    async putJob(job) {
      await scheduler.putJob(job);
      throw new TransientError('scheduler-unavailable', 'the process died here');
    },
  };
  await expect(follow(store, dying, key)).rejects.toThrow('died');
  expect(await marked()).toBe(true);
  await Promise.all([follow(store, scheduler, key), follow(store, scheduler, key)]);
  expect(await scheduler.listJobs(`tw-${key.model}-`)).toMatchObject([{ id }]);
  expect(await marked()).toBe(false);
});

test('a change while a former one is being told is told too', async () => {
  const { key, id, marked } = await unheard();
  let once = true;
  const slow: Scheduler = {
    ...scheduler,
    async putJob(job) {
      if (once) {
        once = false;
        await setPaused(store, key, 'u1', true);
        await follow(store, scheduler, key);
      }
      await scheduler.putJob(job);
    },
  };
  await follow(store, slow, key);
  expect(await scheduler.getJob(id)).toMatchObject({ paused: true });
  expect(await marked()).toBe(false);
});

test('what somebody changed in Cloud Scheduler itself is set right, and jobs of what is gone are removed', async () => {
  const [removed, paused, changed, gone] = await Promise.all([unheard(), unheard(), unheard(), unheard()]);
  await followMarked(store, scheduler, quiet);
  await scheduler.deleteJob(removed.id);
  const asIs = await scheduler.getJob(changed.id);
  if (asIs === null) throw new Error('no job');
  await scheduler.putJob({ ...asIs, id: paused.id, data: JSON.stringify(paused.key), paused: true });
  await scheduler.putJob({ ...asIs, cron: '* * * * *' });
  const { tenant, model, schedule } = gone.key;
  await store.db.deleteTree(paths.schedule(tenant, model, schedule));

  const drift = await reconcile(store, scheduler, quiet);
  expect(drift.wrong.map(jobId)).toEqual(expect.arrayContaining([removed.id, paused.id, changed.id]));
  expect(drift.extra).toContain(gone.id);
  expect(await scheduler.getJob(removed.id)).toMatchObject({ paused: false, cron: '30 2 * * mon,thu' });
  expect(await scheduler.getJob(paused.id)).toMatchObject({ paused: false });
  expect(await scheduler.getJob(changed.id)).toEqual(asIs);
  expect(await scheduler.getJob(gone.id)).toBeNull();
  expect(await reconcile(store, scheduler, quiet)).toEqual({ wrong: [], extra: [] });
});

test('Cloud Scheduler refuses what it cannot do, and repeated calls are no errors', async () => {
  const { key, id } = await unheard();
  await follow(store, scheduler, key);
  const job = await scheduler.getJob(id);
  if (job === null) throw new Error('no job');
  await scheduler.putJob(job);
  await expect(scheduler.putJob({ ...job, cron: '0 0 L * *' })).rejects.toThrow('day of the month "L"');
  await expect(scheduler.putJob({ ...job, timeZone: 'Mars/Base' })).rejects.toThrow('Mars/Base');
  await scheduler.deleteJob(id);
  await scheduler.deleteJob(id);
  await expect(scheduler.runJob(id)).rejects.toMatchObject({ code: 'scheduler-refused' });
});
