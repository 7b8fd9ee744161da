import { randomBytes } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { openWarehouse } from '#cloud/bigquery';
import type { Database } from '#cloud/firestore';
import { openScheduler } from '#cloud/scheduler';
import { openFiles } from '#cloud/storage';
import { Deletion, SETTLE_SECONDS } from '#core/deletion';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import { mustRead } from '#store/document';
import { keepersOf, type Keeper } from '#store/tenant-data';
import { deleteTenant, restoreTenant } from '#store/tenant-deletion';
import { controlClients } from '#tests/control-clients';
import { useLocalCloud } from '#tests/local-cloud';
import { openTestStore, type TestStore } from '#tests/store';
import { seedTenant } from '#tests/tenant';
import { seedEstate } from '#tests/tenant-estate';
import { readConfig } from '../../../functions/runtime/config.ts';
import { beginRemoval, goOnRemoving, lookAfterRemovals } from '../../../functions/tenants/purge.ts';

// A database of its own, so that all of it can be looked through; every other store is the shared cloud's.
const PROJECT = 'demo-removal';
const store = openTestStore(PROJECT);
const firestore = new Firestore({ projectId: PROJECT });
const { env } = useLocalCloud();
const config = readConfig(process.env);
const { projectId, location, bucket } = config;
const cloud = { projectId, location, bucket, datasetPrefix: 'tw_' };
const files = openFiles(projectId);
const warehouse = openWarehouse(config);
// Elsewhere than the shared cloud's own schedules: its watchdog removes jobs that no schedule of its own stands behind.
const here = { ...config, location: 'europe-north1' };
const scheduler = openScheduler(here);
const clients = controlClients(env);
afterAll(async () => {
  await Promise.all([store.db.close(), firestore.terminate(), clients.close()]);
});
beforeEach(() => (store.ahead = 0));

const DAY = 86_400_000;

/** A tenant with something in every store there is. */
async function seedEverywhere(): Promise<{ tenant: Tenant; model: string }> {
  const tenant = await seedTenant(store, ['owner', 'viewer'], { cloud });
  const model = `m${randomBytes(6).toString('hex')}`;
  await seedEstate(store, tenant, model);
  for (const name of Object.values(datasetNames(cloud, tenant.id, model))) {
    await warehouse.ensureDataset(name);
    await warehouse.ensureTable({ dataset: name, table: 'rows' }, [{ name: 'a', type: 'STRING' }]);
  }
  for (const name of ['uploads/u1/orders.csv', 'runs/r1/model.twa', 'runs/r1/a/b/c.parquet'])
    await files.save(`gs://${bucket}/${tenant.id}/${model}/${name}`, `of ${tenant.id}`, 'text/plain');
  await files.save(`gs://${bucket}/${tenant.id}/audit/head.json`, '{}', 'application/json');
  const told = [
    { name: 'TRADEWIND_TENANT', value: tenant.id },
    { name: 'TRADEWIND_MODEL', value: model },
  ];
  const container = (image: string) => ({ image: clients.image(image), env: told });
  await clients.services.createService({
    parent: clients.parent,
    serviceId: `tw-${model}`,
    service: { template: { containers: [container('deployments-recommender')] } },
  });
  await clients.jobs.runJob({
    name: `${clients.parent}/jobs/etl-runner`,
    overrides: { containerOverrides: [{ env: told }] },
  });
  const { image: imageUri, env: variables } = container('pipelines-trainer');
  await clients.customJobs.createCustomJob({
    parent: clients.parent,
    customJob: {
      displayName: `tw-${model}-train`,
      jobSpec: {
        workerPoolSpecs: [
          {
            machineSpec: { machineType: 'n1-standard-4' },
            replicaCount: 1,
            containerSpec: { imageUri, env: variables },
          },
        ],
      },
    },
  });
  await scheduler.putJob({
    id: `tw-${model}-hnight`,
    cron: '30 2 * * *',
    timeZone: 'Europe/Berlin',
    topic: 'schedule-fired',
    data: JSON.stringify({ tenant: tenant.id, model, schedule: 'hnight' }),
    paused: false,
  });
  return { tenant, model };
}

/** Every document of the database, by path: those that do not exist themselves are gone through too. */
async function dumpDocuments(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const visit = async (collections: FirebaseFirestore.CollectionReference[]): Promise<void> => {
    for (const collection of collections)
      await Promise.all(
        (await collection.listDocuments()).map(async (reference) => {
          const document = await reference.get();
          if (document.exists)
            found.set(
              reference.path,
              `${JSON.stringify(document.data())} ${document.updateTime?.toMillis()}`,
            );
          await visit(await reference.listCollections());
        }),
      );
  };
  await visit(await firestore.listCollections());
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whatever the stores besides Firestore say, one line a thing. */
async function dumpElsewhere(): Promise<string[]> {
  const datasets = await warehouse.listDatasets('');
  const tables = await Promise.all(
    datasets
      .filter((name) => name.startsWith('tw_'))
      .map(async (dataset) => {
        const found = await warehouse.describe({ dataset, table: 'rows' }).catch(() => null);
        return `bigquery ${dataset} ${JSON.stringify(found)}`;
      }),
  );
  const [[services], [executions], [training], [topics], objects, jobs] = await Promise.all([
    clients.services.listServices({ parent: clients.parent }),
    clients.executions.listExecutions({ parent: `${clients.parent}/jobs/-` }),
    clients.customJobs.listCustomJobs({ parent: clients.parent }),
    clients.scheduler.listJobs({ parent: `projects/${projectId}/locations/${here.location}` }),
    files.list(`gs://${bucket}/`),
    scheduler.listJobs(''),
  ]);
  return [
    ...tables,
    ...services.map(({ name, template }) => `service ${name} ${JSON.stringify(template?.containers)}`),
    ...executions.map(({ name, template }) => `execution ${name} ${JSON.stringify(template?.containers)}`),
    ...training.map(({ name, jobSpec }) => `training ${name} ${JSON.stringify(jobSpec)}`),
    ...topics.map(({ name }) => `schedule ${name}`),
    ...jobs.map(({ id, data }) => `schedule ${id} ${data}`),
    ...objects.map(({ uri, generation }) => `object ${uri} ${generation}`),
  ].sort();
}

/** A process that dies at its `limit`th change: nothing that it asks for afterwards happens. */
function dyingAfter(limit: number, afterwards: boolean): { store: TestStore; open: typeof keepersOf } {
  let changes = 0;
  const change = async <T>(work: () => Promise<T>): Promise<T> => {
    const number = ++changes;
    if (number > limit || (number === limit && !afterwards)) throw new Error('killed');
    const result = await work();
    if (number === limit) throw new Error('killed');
    return result;
  };
  const db: Database = {
    ...store.db,
    commit: (writes) => change(() => store.db.commit(writes)),
    deleteTree: (path) => change(() => store.db.deleteTree(path)),
  };
  const dying = { ...store, db, clock: store.clock };
  const open: typeof keepersOf = (_, here, tenant, where) =>
    keepersOf(dying, here, tenant, where).map((keeper): Keeper => ({
      ...keeper,
      find: async () => (await keeper.find()).map((one) => ({ ...one, remove: () => change(one.remove) })),
    }));
  return { store: dying, open };
}

const deletionOf = async (tenant: string) =>
  (await mustRead(store, paths.deletion(tenant), Deletion, 'deletion')).value;

test('removed from every store, however often its process dies; of everybody else’s nothing changes', async () => {
  const { tenant, model } = await seedEverywhere();
  const other = await seedEverywhere();
  const names = (text: string) => text.includes(tenant.id) || text.includes(model);
  const documentsBefore = await dumpDocuments();
  const elsewhereBefore = await dumpElsewhere();
  // The control: everywhere there is something to be found.
  expect([...documentsBefore].filter(([path, data]) => names(path + data)).length).toBeGreaterThan(40);
  for (const kind of ['bigquery', 'service', 'execution', 'training', 'schedule', 'object'])
    expect([kind, elsewhereBefore.filter((line) => line.startsWith(kind) && names(line)).length > 0]).toEqual(
      [kind, true],
    );

  await deleteTenant(store, { tenant: tenant.id, actor: 'owner0', confirm: tenant.name, now: true });
  await beginRemoval(store, tenant.id);
  let deaths = 0;
  for (; deaths < 200 && (await deletionOf(tenant.id)).quietSince === null; deaths++) {
    const process = dyingAfter(2 + (deaths % 3), deaths % 2 === 0);
    await goOnRemoving(process.store, here, tenant.id, process.open).catch(() => undefined);
    // The dead process's lease has to run out.
    store.ahead += 31_000;
  }
  expect(deaths).toBeGreaterThan(10);
  expect(await deletionOf(tenant.id)).toMatchObject({ state: 'settling' });

  // Work that was under way writes once more: it is found when it is looked again.
  await store.db.commit([
    { kind: 'set', path: `${paths.logs(paths.etlRun(tenant.id, model, 'retl1'))}/late`, data: { at: 'x' } },
    { kind: 'set', path: paths.deadLetter(`late-${tenant.id}`), data: { tenant: tenant.id } },
  ]);
  await files.save(`gs://${bucket}/${tenant.id}/${model}/late.txt`, 'late', 'text/plain');
  for (let look = 0; look < 3; look++) {
    store.ahead += SETTLE_SECONDS * 1000;
    expect(await lookAfterRemovals(store, here)).toEqual([]);
  }

  const certificate = await deletionOf(tenant.id);
  expect(certificate).toMatchObject({ state: 'done', tenant: tenant.id });
  // Everything counts, however often the process died between removing and counting; but for what a tree held, which is
  // known only once it is gone.
  const { 'documents in Firestore': documentsRemoved = 0, ...others } = certificate.counts;
  expect(documentsRemoved).toBeGreaterThan(0);
  expect(others).toEqual({
    'watchdog entries': 1,
    'waiting messages': 1,
    'schedules in Cloud Scheduler': 1,
    'services and jobs in Cloud Run and Vertex AI': 3,
    'data sets in BigQuery': 3,
    'objects in Cloud Storage': 5,
    'sealed secrets': 2,
    'API keys’ hashes': 1,
    'remembered answers': 1,
    'remembered sign-ups': 1,
    'dead letters': 2,
    'rate limits': 1,
  });
  const said = JSON.stringify(certificate);
  expect(['owner0', 'viewer1', '@', tenant.name].filter((text) => said.includes(text))).toEqual([]);

  const documents = await dumpDocuments();
  documents.delete(paths.deletion(tenant.id));
  const elsewhere = await dumpElsewhere();
  expect([...documents].filter(([path, data]) => names(path + data))).toEqual([]);
  expect(elsewhere.filter(names)).toEqual([]);
  // Others’ work goes on in the shared cloud: only what is this test’s own is compared.
  const ofOther = (text: string) => text.includes(other.tenant.id) || text.includes(other.model);
  expect([...documents]).toEqual([...documentsBefore].filter(([path, data]) => !names(path + data)));
  expect(elsewhere.filter(ofOther)).toEqual(elsewhereBefore.filter(ofOther));
  expect(elsewhere.filter(ofOther).length).toBeGreaterThan(8);

  // A last look after the longest that a message can wait; then there is nothing more to do, and nowhere to look.
  store.ahead += 9 * DAY;
  await lookAfterRemovals(store, here);
  expect(await deletionOf(tenant.id)).toMatchObject({ state: 'done', nextLookAt: null, cloud: null });
  await Promise.all([
    clients.services.deleteService({ name: `${clients.parent}/services/tw-${other.model}` }),
    scheduler.deleteJob(`tw-${other.model}-hnight`),
  ]);
}, 180_000);

test('a deletion can be undone for 30 days, and not once its removal has begun', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  const request = { tenant: tenant.id, actor: 'owner0', confirm: tenant.name, now: false };
  const wrong = deleteTenant(store, { ...request, confirm: 'something else' });
  await expect(wrong).rejects.toMatchObject({ code: 'confirmation-missing' });

  const deleted = await deleteTenant(store, request);
  expect(Date.parse(deleted.purgeAt) - Date.parse(deleted.deletedAt)).toBe(30 * DAY);
  expect(await deleteTenant(store, request)).toEqual(deleted);
  await lookAfterRemovals(store, here);
  expect(await restoreTenant(store, tenant.id, 'owner0')).toMatchObject({
    status: 'active',
    deletedAt: null,
  });

  await deleteTenant(store, request);
  store.ahead = 30 * DAY + 1000;
  const late = restoreTenant(store, tenant.id, 'owner0');
  await expect(late).rejects.toMatchObject({ code: 'tenant-going' });
  await lookAfterRemovals(store, here);
  expect(await store.db.get(paths.tenant(tenant.id))).toBeNull();
  expect(await deletionOf(tenant.id)).toMatchObject({ state: 'settling' });
});

test('a store that does not answer keeps no other from being emptied, and nothing is certified meanwhile', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  await deleteTenant(store, { tenant: tenant.id, actor: 'owner0', confirm: tenant.name, now: true });
  await beginRemoval(store, tenant.id);
  let down = true;
  const open: typeof keepersOf = (...given) =>
    keepersOf(...given).map((keeper, index) =>
      index === 2
        ? { ...keeper, find: () => (down ? Promise.reject(new Error('down')) : keeper.find()) }
        : keeper,
    );
  for (let look = 0; look < 3; look++) {
    await expect(goOnRemoving(store, here, tenant.id, open)).rejects.toThrow('down');
    store.ahead += SETTLE_SECONDS * 1000;
  }
  expect(await store.db.get(paths.tenant(tenant.id))).toBeNull();
  expect(await deletionOf(tenant.id)).toMatchObject({ state: 'removing', finishedAt: null });
  down = false;
  for (let look = 0; look < 2; look++) {
    await goOnRemoving(store, here, tenant.id, open);
    store.ahead += SETTLE_SECONDS * 1000;
  }
  expect(await deletionOf(tenant.id)).toMatchObject({ state: 'done' });
});
