import { ConnectionTest } from '#core/connection-test';
import { paths } from '#core/paths';
import { read } from '#store/document';
import { failStaleTests } from '../../../functions/connection-tests/watch.ts';
import { runTest } from '../../../functions/connection-tests/run.ts';
import { freshTenant, openTestStore, type TestStore } from '#tests/store';

const store: TestStore = openTestStore();
afterAll(() => store.db.close());

async function writeTest(status: ConnectionTest['status'], ageSeconds: number) {
  const request = { tenant: freshTenant(), model: 'mtest', test: 'ctest' };
  const path = paths.connectionTest(request.tenant, request.model, request.test);
  const test: ConnectionTest = {
    id: request.test,
    source: 'snone',
    status,
    steps: [],
    failure: null,
    createdAt: new Date(Date.now() - ageSeconds * 1000).toISOString(),
    finishedAt: null,
  };
  const watched = {
    kind: 'connection-test',
    path,
    tenant: request.tenant,
    model: request.model,
    id: request.test,
  };
  await store.db.commit([
    { kind: 'create', path, data: test },
    { kind: 'create', path: paths.watched(path), data: watched },
  ]);
  return { path, request };
}
const statusOf = async (path: string) => (await read(store, path, ConnectionTest))?.value;

test('a test whose process died is failed with the reason; one that has time left is not', async () => {
  const dead = await writeTest('running', 150);
  const lost = await writeTest('queued', 150);
  const young = await writeTest('running', 20);
  await failStaleTests(store);
  await failStaleTests(store);
  for (const { path } of [dead, lost]) {
    expect(await statusOf(path)).toMatchObject({
      status: 'failed',
      failure: { code: 'test-lost', remedy: 'Test again.' },
    });
    expect(await store.db.get(paths.watched(path))).toBeNull();
  }
  expect(await statusOf(young.path)).toMatchObject({ status: 'running', failure: null });
  await store.db.commit([{ kind: 'delete', path: paths.watched(young.path) }]);
});

test('a message that comes again for a test that has begun changes nothing', async () => {
  const { path, request } = await writeTest('running', 1);
  const world = {
    projectId: 'p',
    bucket: 'b',
    installationKeys: { current: new Uint8Array(32), former: [] },
    allowedHosts: [],
    endpoints: { bigquery: undefined },
  };
  await runTest(store, world, request);
  expect(await statusOf(path)).toMatchObject({ status: 'running', steps: [] });
  await store.db.commit([{ kind: 'delete', path: paths.watched(path) }]);
});
