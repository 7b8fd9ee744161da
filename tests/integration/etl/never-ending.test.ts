import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TerminalError, toFailure, TransientError } from '#core/errors';
import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import { readConfig } from '#runtime/config';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import { noteStartRefusal, readStartRefusal, triggeredRunId } from '#store/triggered-run';
import { TROUBLE_LOOKS, TROUBLE_SECONDS } from '#store/trouble';
import { APART, freshTenant, openTestStore } from '#tests/store';
import { endFromOutside } from '../../../functions/etl/end-run.ts';
import { recordsOf } from '#tests/web/records';
import { startTriggered } from '../../../functions/etl/triggered.ts';
import { watchRuns } from '../../../functions/etl/watch.ts';

const store = openTestStore(APART);
beforeEach(() => {
  store.ahead = 0;
});
afterAll(() => store.db.close());
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const config = readConfig(process.env);
const installationKeys = { current: new Uint8Array(32).fill(9), former: [] };
const model = 'm1234';
const AT = '2026-06-01T00:00:00.000Z';
const COUNTS = { rows: 0, bytes: 0, rejected: {} };

/** A run that has been started once, and whose container is dead. */
async function abandoned(status = 'active') {
  const tenant = freshTenant();
  const key = { tenant, model, run: 'r1234' };
  const path = paths.etlRun(tenant, model, key.run);
  const lock = paths.lock(tenant, model, 'etl');
  const cloud = { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' };
  const watched = { kind: 'etl', path, tenant, model, id: key.run };
  const run = {
    id: key.run,
    status: 'queued',
    requestedBy: 'u',
    tables: 1,
    counts: COUNTS,
    failure: null,
    attempts: 1,
    executor: 'dead',
    createdAt: AT,
    startedAt: null,
    finishedAt: null,
  };
  await store.db.commit([
    {
      kind: 'create',
      path: paths.tenant(tenant),
      data: { id: tenant, name: 'T', plan: 'trial', status, cloud, createdAt: AT },
    },
    { kind: 'create', path, data: run },
    { kind: 'create', path: lock, data: { run: key.run } },
  ]);
  // The watch list holds this one alone.
  const listed = { path: paths.watched(path), id: 'w', data: watched, version: '1' };
  const db = Object.assign(Object.create(store.db) as Store['db'], {
    list: (collection: string, listing?: object) =>
      collection === paths.watch ? Promise.resolve([listed]) : store.db.list(collection, listing),
  });
  const alone: Store = Object.assign(Object.create(store) as Store, { db });
  const look = async () => (await mustRead(store, path, EtlRun, 'run')).value;
  return { alone, key, path, look, isLocked: async () => (await store.db.get(lock)) !== null };
}

/** A platform on which nothing runs, and which refuses every start for the reason given. */
function platform(reason: Error) {
  return {
    containers: {
      async startJob(): Promise<string> {
        throw reason;
      },
      async executionsWith() {
        return [];
      },
      async executionState() {
        return { state: 'failed' as const, message: '' };
      },
      async cancelExecution() {},
    },
    config,
    installationKeys,
  };
}

test('a run for which no container is to be had any more fails, and lets go of its model', async () => {
  const { alone, look, isLocked } = await abandoned();
  await watchRuns(alone, platform(new TerminalError('container-refused', 'There is no such job.')), log);
  expect(await look()).toMatchObject({ status: 'failed', failure: { code: 'container-refused' } });
  expect(await isLocked()).toBe(false);
});

test('one for which there is none now is tried again, until that has lasted', async () => {
  const { alone, look, isLocked } = await abandoned();
  const full = platform(new TransientError('container-unavailable', 'No room.'));
  for (let looks = 1; looks <= TROUBLE_LOOKS; looks++) await watchRuns(alone, full, log);
  expect(await look()).toMatchObject({ status: 'queued', attempts: 1 });
  store.ahead = TROUBLE_SECONDS * 1000;
  await watchRuns(alone, full, log);
  expect(await look()).toMatchObject({ status: 'failed', failure: { code: 'container-unavailable' } });
  expect(await isLocked()).toBe(false);
});

test('a run whose warehouse refuses to be asked ends all the same', async () => {
  const { key, path, look, isLocked } = await abandoned();
  const server = createServer((_, response) => {
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ error: { code: 403, message: 'no right', errors: [{ reason: 'accessDenied' }] } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has this kind of address.
  const bigquery = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const table = {
    id: 's1234',
    source: 's5678',
    name: 'orders',
    destination: 'orders',
  };
  const progress = { status: 'publishing', counts: COUNTS, failure: null, watermark: null };
  await store.db.commit([
    { kind: 'update', path, data: { status: 'publishing' } },
    {
      kind: 'create',
      path: paths.etlTable(key.tenant, model, key.run, table.id),
      data: { ...table, ...progress, run: key.run, mode: 'replace', createdAt: AT, finishedAt: null },
    },
    {
      kind: 'create',
      path: paths.etlPlan(path, table.id),
      data: {
        ...table,
        epoch: 1,
        units: 1,
        extracted: true,
        columns: [],
        write: 'replace',
        nothing: false,
        lastRun: '',
        cursor: null,
        watermark: null,
        rejectLimit: 0,
      },
    },
  ]);
  const world = {
    ...platform(new Error('nothing is started')),
    config: { endpoints: { ...config.endpoints, bigquery } },
    log,
  };
  try {
    await endFromOutside(store, world, key, { event: 'cancel' }, { runner: 0, container: 0 });
  } finally {
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
  }
  expect(await look()).toMatchObject({ status: 'failed', failure: { code: 'warehouse-refused' } });
  expect(await isLocked()).toBe(false);
});

test('a message that comes when its tenant has been suspended starts nothing', async () => {
  const suspended = await abandoned('suspended');
  const asked = { tenant: suspended.key.tenant, model, trigger: 'schedule', key: 'jone~1' } as const;
  await expect(startTriggered(store, asked)).rejects.toMatchObject({ code: 'tenant-suspended' });
  const run = triggeredRunId('etl', asked);
  expect(await store.db.get(paths.etlRun(asked.tenant, model, run))).toBeNull();
  expect(await readStartRefusal(store, asked.tenant, model, run)).toBeNull();
});

test.each(['join', 'refuse'] as const)(
  'a start message that another run was the answer to (%s) starts nothing when it comes once more',
  async (overlap) => {
    const { key, path } = await abandoned();
    const records = recordsOf(key.tenant, model);
    const table = records.table('orders', 'customer STRING');
    await store.db.commit([
      {
        kind: 'create',
        path: paths.model(key.tenant, model),
        data: {
          id: model,
          name: 'M',
          description: '',
          status: 'draft',
          createdAt: AT,
          deletedAt: null,
          liveDeployment: null,
        },
      },
      { kind: 'create', path: records.paths.source, data: { ...records.source, enabled: true } },
      {
        kind: 'create',
        path: paths.sourceTable(key.tenant, model, records.source.id, table.id),
        data: { ...table, enabled: true },
      },
    ]);
    const asked = { tenant: key.tenant, model, trigger: 'schedule', key: 'jone~2', overlap } as const;
    const run = triggeredRunId('etl', asked);
    // As the function does with what cannot be helped.
    await startTriggered(store, asked).catch((error: unknown) =>
      noteStartRefusal(store, 'etl', asked, toFailure(error)),
    );
    expect(await readStartRefusal(store, key.tenant, model, run)).toMatchObject({ code: 'run-active' });
    await store.db.commit([
      { kind: 'delete', path: paths.lock(key.tenant, model, 'etl') },
      { kind: 'update', path, data: { status: 'cancelled', finishedAt: new Date().toISOString() } },
    ]);
    await startTriggered(store, asked);
    expect(await store.db.get(paths.etlRun(key.tenant, model, run))).toBeNull();
  },
);
