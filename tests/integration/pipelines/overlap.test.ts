import type { Overlap } from '#core/events';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { mustRead, readAll } from '#store/document';
import { makeId } from '#store/store';
import { aRun } from '#tests/pipeline-runs';
import { APART, freshTenant, openTestStore } from '#tests/store';
import { requestCancel } from '../../../functions/pipelines/cancel.ts';
import { beginWaiting, createRun } from '../../../functions/pipelines/overlap.ts';
import { cancelRun, failStage } from '../../../functions/pipelines/stage-plan.ts';
import { writeRun } from '../../../functions/pipelines/write-run.ts';

// No watchdog looks into this project: what begins a run is seen.
const store = openTestStore(APART);
afterAll(() => store.db.close());
const model = 'm1234';
const AT = '2026-11-01T00:00:00.000Z';

const ask = (tenant: string, overlap: Overlap, id = makeId(store, 'r')) =>
  createRun(store, {
    tenant,
    model,
    run: aRun({ id }),
    overlap,
    admit: () => Promise.resolve(),
    audit: { tenant, actor: 'u', action: 'pipeline.start' },
  });
const look = async (tenant: string, run: string) =>
  (await mustRead(store, paths.pipelineRun(tenant, model, run), PipelineRun, 'run')).value;
const end = (tenant: string, run: string) =>
  writeRun(store, { tenant, model, run }, (value) => cancelRun(value, AT));
const begunBy = (tenant: string) =>
  store.published
    .filter(
      ({ topic, payload }) => topic === 'extraction-requested' && JSON.stringify(payload).includes(tenant),
    )
    .map(({ payload }) => Object(payload).run as unknown);

test('of twenty simultaneous starts one makes a run, every time; the others get it', async () => {
  const ROUNDS = 10;
  for (let round = 0; round < ROUNDS; round++) {
    const tenant = freshTenant();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(tenant, 'join')));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await readAll(store, paths.pipelineRuns(tenant, model), PipelineRun)).toHaveLength(1);
    expect(begunBy(tenant)).toEqual([answers[0]?.id]);
  }
}, 180_000);

test('a start that refuses says which run is active; the same request again gets its own run', async () => {
  const tenant = freshTenant();
  const active = await ask(tenant, 'refuse', 'ractive');
  await expect(ask(tenant, 'refuse')).rejects.toMatchObject({
    code: 'run-active',
    message: expect.stringContaining('ractive'),
  });
  expect((await ask(tenant, 'refuse', 'ractive')).id).toBe(active.id);
  await end(tenant, active.id);
  expect((await ask(tenant, 'refuse', 'ractive')).status).toBe('cancelled');
});

test('one run waits, however many ask; it begins when the active one ends, with the data of then', async () => {
  const tenant = freshTenant();
  const active = await ask(tenant, 'queue');
  expect(active.waiting).toBe(false);
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(tenant, 'queue')));
  const [waiting] = answers;
  expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([waiting?.id]));
  expect(waiting).toMatchObject({ status: 'queued', waiting: true, begunAt: null });
  expect(begunBy(tenant)).toEqual([active.id]);

  store.ahead = 60_000;
  // The end is written by several at once, and looked for once more by the watchdog.
  await Promise.all([end(tenant, active.id), end(tenant, active.id), beginWaiting(store, tenant, model)]);
  await beginWaiting(store, tenant, model);
  store.ahead = 0;
  const begun = await look(tenant, waiting?.id ?? '');
  expect(begun).toMatchObject({ status: 'queued', waiting: false, begunAt: expect.any(String) });
  expect(begun.asOf > (waiting?.asOf ?? '')).toBe(true);
  expect(begunBy(tenant)).toEqual([active.id, begun.id]);
  // There is room for one to wait again.
  expect((await ask(tenant, 'queue')).waiting).toBe(true);
});

test('a run that waits is cancelled at once, and the next one may wait; the active one goes on', async () => {
  const tenant = freshTenant();
  const active = await ask(tenant, 'join');
  const waiting = await ask(tenant, 'queue');
  const cancelled = await requestCancel(store, { tenant, model, run: waiting.id }, 'u');
  expect(cancelled).toMatchObject({ status: 'cancelled', waiting: false, cancelRequestedBy: 'u' });
  expect(await store.db.get(paths.lock(tenant, model, 'pipeline'))).toMatchObject({
    data: { run: active.id },
  });
  const next = await ask(tenant, 'queue');
  expect(next.id).not.toBe(waiting.id);
  // The process that ended the active run died before it let the next one begin.
  await store.db.commit([{ kind: 'delete', path: paths.lock(tenant, model, 'pipeline') }]);
  await beginWaiting(store, tenant, model);
  expect(begunBy(tenant)).toEqual([active.id, next.id]);
});

test('a tenant that may have no further run starts none, joins what is active, and gets its own again', async () => {
  const tenant = freshTenant();
  const active = await ask(tenant, 'join');
  const spent = (overlap: Overlap, id = makeId(store, 'r')) =>
    createRun(store, {
      tenant,
      model,
      run: aRun({ id }),
      overlap,
      admit: () => Promise.reject(new Error('no more today')),
      audit: { tenant, actor: 'u', action: 'pipeline.start' },
    });
  expect((await spent('join')).id).toBe(active.id);
  await expect(spent('queue')).rejects.toThrow('no more today');
  await end(tenant, active.id);
  await expect(spent('join')).rejects.toThrow('no more today');
  expect((await spent('join', active.id)).id).toBe(active.id);
});

test('a run that begins while another ends never shares the model with it', async () => {
  for (let round = 0; round < 6; round++) {
    const tenant = freshTenant();
    const active = await ask(tenant, 'join');
    const failure = { code: 'x', message: 'It broke.', remedy: null };
    const [, ...asked] = await Promise.all([
      writeRun(store, { tenant, model, run: active.id }, (run) => failStage(run, 'extraction', failure, AT)),
      ...Array.from({ length: 6 }, (_, n) => ask(tenant, n % 2 === 0 ? 'queue' : 'join')),
    ]);
    await beginWaiting(store, tenant, model);
    const runs = await readAll(store, paths.pipelineRuns(tenant, model), PipelineRun);
    const active2 = runs.filter(({ status, waiting }) => status === 'queued' && !waiting);
    const waiting2 = runs.filter(({ waiting }) => waiting);
    expect(active2.length).toBeLessThanOrEqual(1);
    expect(waiting2.length).toBeLessThanOrEqual(1);
    // Nobody waits for nothing.
    expect(active2.length).toBeGreaterThanOrEqual(waiting2.length);
    expect(asked.every((run) => runs.some(({ id }) => id === run?.id))).toBe(true);
    const lock = await store.db.get(paths.lock(tenant, model, 'pipeline'));
    expect(lock?.data['run'] ?? null).toBe(active2[0]?.id ?? null);
  }
}, 180_000);
