/** Failures of loads that no other test brings about: each by the function that says it, in the state it says it of. */
import type { Warehouse } from '#cloud/bigquery';
import type { SourceSession } from '#connectors/connector';
import { type Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import { Source, SourceTable } from '#core/source';
import { Tenant } from '#core/tenant';
import { readConfig } from '#runtime/config';
import { acquireLease } from '#store/lease';
import { type MemoryStore, memoryStore } from '#tests/memory-store';
import { unitRecord } from '#tests/unit-record';
import { checkUnique } from '../../../functions/etl/check-unique.ts';
import { admit } from '../../../functions/etl/drift.ts';
import { dryRun } from '../../../functions/etl/dry-run.ts';
import { endFromOutside } from '../../../functions/etl/end-run.ts';
import { evolve } from '../../../functions/etl/evolve.ts';
import { planTable } from '../../../functions/etl/plan-table.ts';
import { landed, type Staged } from '../../../functions/etl/publish.ts';
import { TablePlan } from '../../../functions/etl/records.ts';
import { runEtl } from '../../../functions/etl/run-etl.ts';
import type { Scope } from '../../../functions/etl/scope.ts';
import { settleRun } from '../../../functions/etl/settle.ts';
import { chooseTables, newTable } from '../../../functions/etl/tables.ts';
import { checkTogether, planTogether } from '../../../functions/etl/together-plan.ts';
import { copyTable } from '../../../functions/etl/transfer.ts';
import { holding } from '../../../functions/etl/units.ts';

const AT = '2026-06-01T00:00:00.000Z';
const key = { tenant: 'tabc', model: 'mabc', run: 'rabc' };
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const id: Column = { name: 'id', type: 'INT64', nullable: false, sourceType: 'int8' };
const config = readConfig({
  GOOGLE_CLOUD_PROJECT: 'p',
  TRADEWIND_BUCKET: 'b',
  TRADEWIND_IMAGES: 'images',
  TRADEWIND_INSTALLATION_KEY: Buffer.alloc(32, 7).toString('base64'),
});

const source = Source.parse({
  id: 'sabc',
  name: 'Shop',
  settings: { kind: 'bigquery', project: 'shop-project', dataset: 'sales' },
  credentialsSetAt: null,
  enabled: true,
  createdAt: AT,
  updatedAt: AT,
  deletedAt: null,
});
const table = SourceTable.parse({
  id: 'tabc',
  source: source.id,
  name: 'orders',
  columns: [id],
  key: null,
  estimatedRows: null,
  enabled: true,
  mode: 'replace',
  cursor: null,
  destination: 'orders',
  rejectLimit: 0,
  discoveredAt: AT,
});
const plan = TablePlan.parse({
  id: table.id,
  source: source.id,
  name: 'orders',
  destination: 'orders',
  epoch: 1,
  units: 1,
  extracted: true,
  columns: [id],
  names: ['id'],
  write: 'replace',
  nothing: false,
  lastRun: '',
  cursor: null,
  watermark: null,
  rejectLimit: 0,
});
const running = {
  id: key.run,
  status: 'extracting',
  requestedBy: 'u',
  tables: 1,
  counts: { rows: 0, bytes: 0, rejected: {} },
  failure: null,
  attempts: 1,
  executor: null,
  createdAt: AT,
  startedAt: null,
  finishedAt: null,
};
const runPath = paths.etlRun(key.tenant, key.model, key.run);

/** A store with the tenant, its model and the run. */
function seeded(run: Partial<EtlRun> = {}, clock?: () => number): MemoryStore {
  const store = memoryStore(clock);
  const cloud = { projectId: 'p', location: 'EU', bucket: 'b', datasetPrefix: 'tw_' };
  const tenant = {
    id: key.tenant,
    name: 'T',
    plan: 'trial',
    status: 'active',
    cloud,
    createdAt: AT,
    updatedAt: AT,
  };
  store.seed(paths.tenant(key.tenant), { ...Tenant.parse({ ...tenant, deletedAt: null }) });
  const model = { id: key.model, name: 'M', description: '', status: 'active', liveDeployment: null };
  store.seed(paths.model(key.tenant, key.model), { ...model, createdAt: AT, updatedAt: AT, deletedAt: null });
  store.seed(paths.source(key.tenant, key.model, source.id), { ...source });
  store.seed(paths.sourceTable(key.tenant, key.model, source.id, table.id), { ...table });
  store.seed(runPath, { ...EtlRun.parse({ ...running, ...run }) });
  return store;
}

/** What these functions use of a scope; the warehouse answers as the test says. */
function scopeOf(store: MemoryStore, warehouse: Partial<Warehouse>, more: object = {}): Scope {
  const signal = new AbortController().signal;
  // Each function is given what it uses of it.
  return {
    store,
    key,
    path: runPath,
    log,
    dataset: 'raw',
    signal,
    warehouse,
    again: null,
    caps: EtlRun.parse(running).caps,
    createdAt: AT,
    tuning: { unitBytes: 1e6 },
    ...more,
  } as unknown as Scope;
}

test('a container that does not end when it is told to is waited for, and the run is not over', async () => {
  const store = seeded({ executor: 'executions/e1' });
  const asked: string[] = [];
  const containers = {
    executionState: async () => ({ state: 'running' as const, message: '' }),
    cancelExecution: async (name: string) => void asked.push(name),
  };
  const patience = { runner: 0, container: 0 };
  await expect(
    endFromOutside(store, { containers, config, log }, key, { event: 'cancel' }, patience),
  ).rejects.toMatchObject({ code: 'container-running', name: 'TransientError' });
  expect(asked).toEqual(['executions/e1']);
  expect(store.look(runPath)).toMatchObject({ status: 'extracting' });
});

test('a run that somebody else is ending is left to them', async () => {
  const store = seeded();
  await acquireLease(store, paths.lease(runPath), 'etl-end-another');
  const untold = () => Promise.reject(new Error('there is no container'));
  const containers = { executionState: untold, cancelExecution: untold };
  const patience = { runner: 0, container: 0 };
  await expect(
    endFromOutside(store, { containers, config, log }, key, { event: 'cancel' }, patience),
  ).rejects.toMatchObject({ code: 'run-held', name: 'BusyError' });
});

test('a task whose coordinator is gone for good does not wait for ever', async () => {
  let time = Date.parse(AT);
  // Each look at the clock is half a minute after the one before.
  const store = seeded({}, () => (time += 30_000));
  const env = { TRADEWIND_TENANT: key.tenant, TRADEWIND_MODEL: key.model, TRADEWIND_RUN: key.run };
  const signal = new AbortController().signal;
  const context = { store, config, env, log, signal, task: 1, tasks: 2, attempt: 0, holder: 'h' };
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true;
  try {
    await expect(runEtl(context as never)).rejects.toMatchObject({
      code: 'coordinator-gone',
      name: 'TransientError',
    });
  } finally {
    process.stdout.write = write;
  }
});

test('work on a unit that went to another task ends within a beat', async () => {
  const store = seeded();
  const record = unitRecord({
    table: table.id,
    source: source.id,
    status: 'claimed',
    holder: 'me',
    attempts: 1,
  });
  const path = `${runPath}/units/u0`;
  store.seed(path, { ...record, holder: 'another', attempts: 2 });
  jest.useFakeTimers();
  try {
    const work = holding(
      { store, key, holder: 'me' },
      { path, record },
      new AbortController().signal,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const ended = work.catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await ended).toMatchObject({ code: 'claim-lost', name: 'TransientError' });
  } finally {
    jest.useRealTimers();
  }
});

test('a job that BigQuery does not stop keeps the run from being settled', async () => {
  const store = seeded();
  store.seed(paths.etlTable(key.tenant, key.model, key.run, table.id), {
    ...newTable(key.run, table, AT),
    status: 'extracting',
  });
  store.seed(paths.etlPlan(runPath, table.id), { ...plan });
  const outcome = { state: 'running', message: '', reason: '' } as never;
  const stopped: string[] = [];
  const place = scopeOf(store, {
    jobOutcome: async () => outcome,
    waitFor: async () => outcome,
    cancelJob: async (job) => void stopped.push(job),
  });
  await expect(settleRun(place, { event: 'cancel' })).rejects.toMatchObject({
    code: 'job-not-stopped',
    name: 'TransientError',
  });
  expect(stopped).toHaveLength(1);
  expect(store.look(runPath)).toMatchObject({ status: 'extracting' });
});

test('a publication that the ledger does not show yet is looked for again', async () => {
  const scope = scopeOf(seeded(), { query: async () => [{ n: 0 }] });
  const counts = { rows: 5, bytes: 5, rejected: {} };
  const staged: Staged = { plan, counts, publication: null, params: {} };
  await expect(landed(scope, staged)).rejects.toMatchObject({
    code: 'not-published',
    name: 'TransientError',
  });
});

test('a raw table whose column became another between the plan and its publication takes nothing', async () => {
  const fields = [{ name: 'id', type: 'STRING' as const }];
  const scope = scopeOf(seeded(), { describe: async () => ({ fields, rows: 1 }) as never });
  await expect(evolve(scope, plan, [id])).rejects.toMatchObject({
    code: 'column-type-changed',
    message: expect.stringContaining('"id" is INT64 in the source now and STRING in the warehouse'),
  });
});

test('a load that began for another version of the raw table than was decided on since ends', async () => {
  const store = seeded();
  const began = { ...newTable(key.run, table, AT), destination: 'orders__v2' };
  const scope = scopeOf(store, { describe: async () => null });
  const described = { name: 'orders', columns: [id], key: [], notes: [] } as never;
  await expect(admit(scope, began, table, described, null)).rejects.toMatchObject({ code: 'schema-decided' });
});

test('hashes are of no table that the warehouse copies as it is', async () => {
  const store = seeded();
  const hashed = [{ column: 'id', form: 'exact' }];
  store.seed(paths.sourceTable(key.tenant, key.model, source.id, table.id), { ...table, hashed });
  const session: Partial<SourceSession> = {
    describe: async () => ({ name: 'orders', columns: [id], key: [], notes: [] }) as never,
    planTransfer: async () => ({}) as never,
  };
  const scope = scopeOf(store, { describe: async () => null });
  const before = { published: new Map(), former: new Map() };
  await expect(
    planTable(scope, session as SourceSession, source, newTable(key.run, table, AT), 1, before),
  ).rejects.toMatchObject({ code: 'hashed-not-copied', remedy: expect.stringContaining('Set a key') });
});

test('a copy that BigQuery refuses names the role that the installation needs', async () => {
  const refuse = () =>
    Promise.reject(new TerminalError('warehouse-refused', 'Access Denied: Table shop.orders'));
  const from = { project: 'shop', dataset: 'sales', table: 'orders' };
  const transfer = { from, moment: 0, expressions: ['t.id'], where: null, limit: null, refusal: null };
  await expect(
    copyTable(scopeOf(seeded(), { startCopy: refuse }), { ...plan, transfer }, [id]),
  ).rejects.toMatchObject({
    code: 'copy-refused',
    message: expect.stringContaining('Access Denied'),
    remedy: expect.stringContaining('BigQuery Data Viewer on the data set shop.sales'),
  });
});

test('what BigQuery does not do in one transaction is refused before anything is loaded', () => {
  const refusal = expect.objectContaining({ code: 'too-many-together' });
  expect(() => checkTogether(99)).not.toThrow();
  expect(() => checkTogether(100)).toThrow(refusal);
  const columns = Array.from({ length: 9000 }, (_, n) => ({ ...id, name: `column_of_a_wide_table_${n}` }));
  const publication = {
    dataset: 'raw',
    destination: 'wide',
    staging: 's',
    write: 'replace',
    newest: true,
    columns,
  } as const;
  const part = { publication, destination: 'wide', params: {} };
  expect(() => planTogether(key.run, [part, part])).toThrow(refusal);
});

test('a source that is turned off is not loaded by name either', () => {
  const off = [{ source: { ...source, enabled: false }, tables: [table] }];
  expect(() => chooseTables(off, { sources: [source.id] })).toThrow(
    expect.objectContaining({ code: 'source-disabled', message: 'The source "Shop" is disabled.' }),
  );
});

test('a source that does not answer in time is said to be slow, not to be broken', async () => {
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = () => AbortSignal.abort(new Error('time is up'));
  try {
    const { tables } = await dryRun(seeded(), config, key, { rows: 5 });
    expect(tables).toMatchObject([{ name: 'orders', failure: { code: 'preflight-slow' } }]);
  } finally {
    AbortSignal.timeout = timeout;
  }
});

test('rows that share a key are told by it, but not where the table has columns of personal data', async () => {
  const keyed = { ...plan, write: 'merge' as const, key: ['id'] };
  const refusalOf = (of: TablePlan, value: string | null) => {
    const scope = scopeOf(seeded(), { query: async () => [{ n: 2, key_0: value }] });
    const checked = checkUnique(scope, of, { dataset: 'raw', table: 'stg' }, [id]);
    return checked.catch((error: unknown) => error);
  };
  expect(await refusalOf(keyed, '4711')).toMatchObject({
    code: 'key-not-unique',
    message: '"orders" has 2 rows with the key id = 4711; a merge needs a key that each row has to itself.',
  });
  expect(await refusalOf({ ...keyed, hides: true }, '4711')).toMatchObject({
    code: 'key-not-unique',
    message: expect.stringMatching(/^"orders" has 2 rows with one key id;(?!.*4711)/),
  });
  expect(await refusalOf({ ...keyed, hides: true }, null)).toMatchObject({
    code: 'key-null',
    message: expect.stringContaining('(id = null)'),
  });
});
