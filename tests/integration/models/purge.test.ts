import { openWarehouse } from '#cloud/bigquery';
import type { Write } from '#cloud/firestore';
import { openFiles } from '#cloud/storage';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { GRACE_DAYS } from '#core/resource';
import { SourceTable } from '#core/source';
import { LEDGER, REJECTS } from '#core/warehouse-name';
import { readConfig } from '#runtime/config';
import { makeLog } from '#runtime/log';
import { sealedPath } from '#store/seal';
import type { Store } from '#store/store';
import { useLocalCloud } from '#tests/local-cloud';
import { warehouseRows } from '#tests/raw-tables';
import { freshTenant, openTestStore, type TestStore } from '#tests/store';
import { recordsOf } from '#tests/web/records';
import { purgeWhatIsDue } from '../../../functions/models/purge.ts';

// A project of its own: what other tests have deleted is not purged here, and no function's tick purges this.
let store: TestStore;
beforeAll(() => {
  store = openTestStore('demo-purge');
});
afterAll(() => store.db.close());

const DAY = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();
const config = () => readConfig(process.env);

/** A model with everything that models leave somewhere; the same for each. */
async function seed(tenant: string, model: string, deletedAt: string | null) {
  const { projectId, location } = useLocalCloud();
  const { bucket } = config();
  const records = recordsOf(tenant, model);
  const cloud = { projectId, location, bucket, datasetPrefix: 'tw_' };
  const names = datasetNames(cloud, tenant, model);
  const source = { ...records.source, enabled: true };
  const table = records.table('orders', 'customer STRING');
  const run = paths.pipelineRun(tenant, model, 'rone1');
  const documents: Record<string, object> = {
    [paths.model(tenant, model)]: {
      id: model,
      name: model,
      description: '',
      status: 'draft',
      createdAt: ago(100),
      deletedAt,
      liveDeployment: null,
    },
    [records.paths.source]: source,
    [paths.sourceTable(tenant, model, source.id, table.id)]: table,
    [records.paths.version]: { ...records.version, artifact: `gs://${bucket}/${tenant}/${model}/runs/a.bin` },
    [records.paths.deployment]: records.deployment('stopped', ''),
    [run]: records.pipeline('succeeded', []),
    [`${paths.logs(run)}/0001`]: { lines: [] },
    // A document below one that is not there itself.
    [`${paths.etlRun(tenant, model, 'rgone1')}/lease/work`]: { fence: 1 },
    [sealedPath(records.paths.source)]: { tenant, about: records.paths.source },
    [paths.watched(run)]: { kind: 'pipeline', path: run, tenant, model, id: 'rone1' },
  };
  await store.db.commit([
    { kind: 'set', path: paths.tenant(tenant), data: tenantOf(tenant, cloud) },
    ...Object.entries(documents).map(([path, data]) => ({ kind: 'create' as const, path, data })),
  ]);
  const warehouse = openWarehouse({ ...cloud, endpoints: config().endpoints });
  for (const dataset of Object.values(names)) await warehouse.ensureDataset(dataset);
  await warehouseRows(
    `CREATE TABLE ${names.raw}.${LEDGER} AS SELECT 'r1' AS run, '${table.destination}' AS table_name UNION ALL SELECT 'r1', '${table.destination}#rejects' UNION ALL SELECT 'r1', 'other'`,
  );
  await warehouseRows(
    `CREATE TABLE ${names.raw}.${REJECTS} AS SELECT '${table.destination}' AS table_name UNION ALL SELECT 'other'`,
  );
  await warehouseRows(`CREATE TABLE ${names.raw}.${table.destination} AS SELECT 1 AS n`);
  const files = openFiles(projectId);
  for (const name of ['runs/a.bin', 'uploads/u1/file.csv'])
    await files.save(`gs://${bucket}/${tenant}/${model}/${name}`, 'bytes', 'text/plain');

  /** Everything of the model, by where it is. */
  const left = async () => {
    const found = await Promise.all(
      Object.values(names).map((dataset) => warehouse.describe({ dataset, table: LEDGER })),
    );
    const stored = await store.db.getAll(Object.keys(documents));
    return {
      documents: stored.flatMap((one) => (one === null ? [] : [{ path: one.path, data: one.data }])),
      below: await store.db.collections(paths.model(tenant, model)),
      tables: found.filter((one) => one !== null).length,
      objects: (await files.list(`gs://${bucket}/${tenant}/${model}/`)).map(({ uri }) => uri),
    };
  };
  return { left, names, table, records, warehouse, files };
}

const tenantOf = (id: string, cloud: object) => ({
  id,
  name: 'T',
  plan: 'trial',
  status: 'active',
  cloud,
  createdAt: ago(100),
});

/** Purges with a store whose `n`-th write fails and every later one too, as if the process had died there. */
async function purgeDying(on: TestStore, n: number): Promise<boolean> {
  let writes = 0;
  const dying =
    <A extends unknown[], R>(write: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      writes += 1;
      if (writes >= n) throw new Error(`died before write ${writes}`);
      return write(...args);
    };
  const mortal: Store = {
    ...on,
    clock: () => on.clock(),
    db: {
      ...on.db,
      commit: dying((writes: readonly Write[]) => on.db.commit(writes)),
      deleteTree: dying((path: string) => on.db.deleteTree(path)),
    },
  };
  const log = makeLog('test', Date.now, () => undefined);
  try {
    await purgeWhatIsDue({ store: mortal, config: config(), log });
    return true;
  } catch {
    return false;
  }
}

test('a model deleted long ago goes everywhere, killed before whichever write; its neighbours stay as they are', async () => {
  const tenant = freshTenant();
  const due = await seed(tenant, 'mdue1', ago(GRACE_DAYS + 1));
  const recent = await seed(tenant, 'mrecent1', ago(GRACE_DAYS - 1));
  const alive = await seed(tenant, 'malive1', null);
  // Another tenant's model of the same id, as an imported tenant has it.
  const namesake = await seed(freshTenant(), 'mdue1', null);
  const neighbours = [recent, alive, namesake];
  const before = await Promise.all(neighbours.map((one) => one.left()));

  let died = 0;
  while (!(await purgeDying(store, died + 1))) died += 1;
  expect(died).toBeGreaterThan(3);
  expect(await due.left()).toEqual({ documents: [], below: [], tables: 0, objects: [] });
  expect(await Promise.all(neighbours.map((one) => one.left()))).toEqual(before);
  // Nothing is due any more, and nothing happens.
  expect(await purgeDying(store, 1)).toBe(true);
});

test('a source deleted long ago takes its secrets and tables along, but for those that a data set reads', async () => {
  const tenant = freshTenant();
  const { records, names, table, warehouse, left } = await seed(tenant, 'mkept1', null);
  const model = 'mkept1';
  const used = SourceTable.parse({ ...table, id: 'tused', name: 'public.used', destination: 'erp__used' });
  await warehouseRows(`CREATE TABLE ${names.raw}.erp__used AS SELECT 1 AS n`);
  const tables = [{ alias: 'order_lines', destination: used.destination }];
  await store.db.commit([
    { kind: 'create', path: paths.sourceTable(tenant, model, records.source.id, used.id), data: used },
    { kind: 'create', path: records.paths.dataset, data: { ...records.dataset, tables } },
    { kind: 'update', path: records.paths.source, data: { deletedAt: ago(GRACE_DAYS + 1) } },
  ]);
  await purgeDying(store, 1000);
  const found = (await left()).documents.map(({ path }) => path);
  expect(found).not.toContain(records.paths.source);
  expect(found).not.toContain(sealedPath(records.paths.source));
  expect(found).toContain(paths.model(tenant, model));
  expect(await warehouse.describe({ dataset: names.raw, table: table.destination })).toBeNull();
  expect(await warehouse.describe({ dataset: names.raw, table: 'erp__used' })).not.toBeNull();
  const rows = await warehouseRows(`SELECT table_name FROM ${names.raw}.${LEDGER}`);
  expect(rows).toEqual([{ table_name: 'other' }]);
});

test('versions deleted long ago lose their artifacts; the newest number is given once', async () => {
  const tenant = freshTenant();
  const { records, files } = await seed(tenant, 'mvers1', null);
  const { bucket } = config();
  const artifact = (name: string) => `gs://${bucket}/${tenant}/mvers1/runs/${name}`;
  const deletedAt = ago(GRACE_DAYS + 1);
  await files.save(artifact('b.bin'), 'bytes', 'text/plain');
  await store.db.commit([
    { kind: 'update', path: records.paths.version, data: { deletedAt } },
    {
      kind: 'create',
      path: paths.version(tenant, 'mvers1', 'vtwo1'),
      data: { ...records.version, id: 'vtwo1', number: 2, artifact: artifact('b.bin'), deletedAt },
    },
  ]);
  await purgeDying(store, 1000);
  expect(await store.db.get(records.paths.version)).toBeNull();
  expect(await store.db.get(paths.version(tenant, 'mvers1', 'vtwo1'))).not.toBeNull();
  const left = (await files.list(artifact(''))).map(({ uri }) => uri);
  expect(left).toEqual([]);
});
