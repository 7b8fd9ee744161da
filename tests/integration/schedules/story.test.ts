import { openScheduler } from '#cloud/scheduler';
import { getEtlRun } from '#core/api/etl';
import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listFirings,
  listSchedules,
  pauseSchedule,
  previewSchedule,
  restoreSchedule,
  resumeSchedule,
  runSchedule,
  updateSchedule,
} from '#core/api/schedules';
import { createUpload } from '#core/api/sources';
import { paths } from '#core/paths';
import type { When } from '#core/schedule';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { makeTicker } from '#tests/pipeline-account';
import { openTestStore } from '#tests/store';

const { env, projectId, location } = useLocalCloud();
const scheduler = openScheduler({
  projectId,
  location,
  endpoints: { scheduler: env['SCHEDULER_ENDPOINT'] },
});
const store = openTestStore();
afterAll(() => store.db.close());
const tick = makeTicker();

let account: Account;
beforeEach(async () => {
  account = await openAccount();
});

const HOURLY = { kind: 'cron', cron: '0 * * * *', timeZone: 'Europe/Berlin' } as const;

async function addFile(): Promise<void> {
  const bytes = Buffer.from('id,qty\n1,2\n2,3\n');
  const place = await account.call(createUpload, {
    params: account.params,
    body: { fileName: 'orders.csv', bytes: bytes.length },
  });
  await fetch(place.url, { method: place.method, headers: place.headers, body: bytes });
  await account.addSource('Files', { kind: 'csv', uris: [place.uri], encoding: 'utf-8' });
}

test('Cloud Scheduler’s message starts a load; the history says which, however often the message comes', async () => {
  await addFile();
  const { call, params } = account;
  const made = await call(createSchedule, {
    params,
    body: { name: 'Hourly', what: { kind: 'etl' }, when: HOURLY },
  });
  expect(made.nextRuns).toHaveLength(5);
  const at = { ...params, schedule: made.id };
  const job = `tw-${params.model}-${made.id}`;
  expect(await scheduler.getJob(job)).toMatchObject({
    cron: '0 * * * *',
    timeZone: 'Europe/Berlin',
    paused: false,
  });

  // Made just now, the hour that has gone by is not its own.
  await scheduler.runJob(job);
  // Made the day before, it is.
  const path = paths.schedule(params.tenant, params.model, made.id);
  const since = new Date(Date.now() - 86_400_000).toISOString();
  await store.db.commit([{ kind: 'update', path, data: { since } }]);
  await scheduler.runJob(job);
  await scheduler.runJob(job);

  const [firing] = await eventually('the run that was started', async () => {
    await tick();
    const { items } = await call(listFirings, { params: at });
    return items[0]?.status === 'started' ? items : null;
  });
  expect(firing).toMatchObject({ cause: 'clock', run: { kind: 'etl' }, reason: null });
  const run = firing?.run?.id ?? '';
  expect(await account.finished(run)).toMatchObject({ status: 'succeeded', counts: { rows: 2 } });
  expect(await call(getEtlRun, { params: { ...params, run } })).toMatchObject({ trigger: 'schedule' });
  expect(await call(getSchedule, { params: at })).toMatchObject({ lastRun: { kind: 'etl', id: run } });
  expect((await call(listFirings, { params: at })).items).toHaveLength(1);
});

test('a start that is refused says so in the history: nothing to load', async () => {
  const { call, params } = account;
  const body = { name: 'Empty', what: { kind: 'etl' }, when: HOURLY } as const;
  const { id } = await call(createSchedule, { params, body });
  const at = { ...params, schedule: id };
  expect(await call(runSchedule, { params: at })).toMatchObject({ status: 'requested', cause: 'person' });
  const firing = await eventually('the refusal', async () => {
    await tick();
    const { items } = await call(listFirings, { params: at, query: { status: 'skipped' } });
    return items[0] ?? null;
  });
  expect(firing).toMatchObject({ run: null, reason: { code: 'nothing-to-load' } });
});

test('made, listed, changed, paused, deleted and restored; Cloud Scheduler follows each time', async () => {
  const { call, params } = account;
  const create = (name: string, paused = false) =>
    call(createSchedule, { params, body: { name, paused, what: { kind: 'etl' }, when: HOURLY } });
  const [one, two] = [await create('One'), await create('Two', true)];
  const at = { ...params, schedule: one.id };
  const job = `tw-${params.model}-${one.id}`;
  const names = async (query: object) =>
    (await call(listSchedules, { params, query })).items.map(({ name }) => name);
  expect(await names({})).toEqual(['Two', 'One']);
  expect(await names({ sort: 'name', order: 'asc', limit: 1 })).toEqual(['One']);
  expect(await names({ paused: 'true', kind: 'etl' })).toEqual(['Two']);
  expect(await names({ kind: 'pipeline' })).toEqual([]);
  expect(two).toMatchObject({ nextRuns: [], nextDue: null });

  const when: When = { kind: 'weekly', at: '02:30', days: ['sun'], timeZone: 'America/New_York' };
  const changed = await call(updateSchedule, { params: at, body: { name: 'Weekly', when } });
  expect(changed.nextRuns[0]?.local).toMatch(/T0[23]:[03]0-0[45]:00$/);
  expect(await scheduler.getJob(job)).toMatchObject({ cron: '30 2 * * sun', timeZone: 'America/New_York' });
  const stale = { name: 'Mine', expectedUpdatedAt: one.updatedAt };
  expect(await refusalOf(call(updateSchedule, { params: at, body: stale }))).toMatchObject({ status: 409 });

  expect(await call(pauseSchedule, { params: at })).toMatchObject({ paused: true, nextRuns: [] });
  expect(await scheduler.getJob(job)).toMatchObject({ paused: true });
  expect(await call(resumeSchedule, { params: at })).toMatchObject({ paused: false });
  expect(await scheduler.getJob(job)).toMatchObject({ paused: false });

  await call(deleteSchedule, { params: at });
  expect(await scheduler.getJob(job)).toBeNull();
  expect(await names({})).toEqual(['Two']);
  expect(await names({ deleted: 'only' })).toEqual(['Weekly']);
  expect(await refusalOf(call(runSchedule, { params: at }))).toMatchObject({ status: 404 });
  expect(await refusalOf(call(updateSchedule, { params: at, body: { name: 'X' } }))).toMatchObject({
    status: 404,
  });
  await call(restoreSchedule, { params: at });
  expect(await scheduler.getJob(job)).toMatchObject({ paused: false });
});

test('times that Cloud Scheduler would refuse are refused beforehand, naming the part', async () => {
  const { call, params } = account;
  const preview = (cron: string, timeZone = 'Europe/Berlin') =>
    call(previewSchedule, { params, body: { when: { kind: 'cron', cron, timeZone } } });
  expect(await preview('30 2 * * *')).toMatchObject({ cron: '30 2 * * *', timeZone: 'Europe/Berlin' });
  const refused = async (cron: string, zone?: string) => (await refusalOf(preview(cron, zone))).detail;
  expect(await refused('0 30 2 * * *')).toContain('seconds are not possible');
  expect(await refused('0 0 L * *')).toContain('day of the month "L"');
  expect(await refused('0 0 31 2 *')).toContain('never comes');
  expect(await refused('0 0 * * *', '+01:00')).toContain('time zone');
  const gone = { kind: 'pipeline', config: 'cnone', dataset: 'dnone' } as const;
  const body = { name: 'P', what: gone, when: { kind: 'after-etl' } } as const;
  expect(await refusalOf(call(createSchedule, { params, body }))).toMatchObject({ status: 404 });
});
