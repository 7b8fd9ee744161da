import { startConnectionTest } from '#core/api/connection-tests';
import { createDataset } from '#core/api/datasets';
import { startDeployment } from '#core/api/deployments';
import { startEtl } from '#core/api/etl';
import {
  archiveModel,
  createModel,
  deleteModel,
  getModel,
  listModelDependents,
  listModels,
  restoreModel,
  unarchiveModel,
  updateModel,
} from '#core/api/models';
import { createPipelineConfig, startPipeline } from '#core/api/pipelines';
import { createSource, discoverTables } from '#core/api/sources';
import { AuditRecord } from '#core/audit';
import { paths } from '#core/paths';
import { type SourceSettings, SourceTable } from '#core/source';
import { readAll } from '#store/document';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { DEFINITION } from '#tests/pipeline-account';
import { openTestStore } from '#tests/store';
import { recordsOf } from '#tests/web/records';

const store = openTestStore();
let account: Account;
beforeAll(async () => {
  account = await openAccount();
});
afterAll(() => store.db.close());

// Nobody listens there, and nothing here gets that far.
const NOWHERE: SourceSettings = {
  kind: 'postgres',
  host: '127.0.0.1',
  port: 9,
  database: 'shop',
  user: 'reader',
  sslMode: 'disable',
};
const make = (name: string, more: object = {}) =>
  account.call(createModel, { params: { tenant: account.params.tenant }, body: { name, ...more } });
const of = ({ id }: { readonly id: string }) => ({ tenant: account.params.tenant, model: id });

/** Everything that begins something in the model, ready to be tried. */
async function triggersOf(model: { readonly id: string }) {
  const { call } = account;
  const params = of(model);
  const source = await call(createSource, { params, body: { name: 'S', settings: NOWHERE } });
  const table = recordsOf(params.tenant, params.model).table('orders', 'customer STRING');
  const { version } = recordsOf(params.tenant, params.model);
  await store.db.commit([
    {
      kind: 'create',
      path: paths.sourceTable(params.tenant, params.model, source.id, table.id),
      data: SourceTable.parse({ ...table, source: source.id }),
    },
    {
      kind: 'create',
      path: paths.version(params.tenant, params.model, version.id),
      data: { ...version, status: 'candidate' },
    },
  ]);
  const dataset = await call(createDataset, { params, body: DEFINITION });
  const config = await call(createPipelineConfig, { params, body: { name: 'C' } });
  return {
    etl: () => call(startEtl, { params }),
    discovery: () => call(discoverTables, { params: { ...params, source: source.id } }),
    test: () => call(startConnectionTest, { params, body: { source: source.id } }),
    pipeline: () => call(startPipeline, { params, body: { config: config.id, dataset: dataset.id } }),
    deployment: () => call(startDeployment, { params, body: { version: version.id } }),
  };
}

test('an archived model begins nothing new and a deleted one is not there; both come back as they were', async () => {
  const { call } = account;
  const model = await make('Old trade', { description: 'Before the merger' });
  const triggers = await triggersOf(model);
  const refusals = async () =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(triggers).map(async ([name, start]) => {
          const { status, code } = await refusalOf(start());
          return [name, `${status} ${code}`];
        }),
      ),
    );
  const all = (answer: string) => Object.fromEntries(Object.keys(triggers).map((name) => [name, answer]));

  const archived = await call(archiveModel, { params: of(model) });
  expect(archived).toMatchObject({ status: 'archived', description: 'Before the merger' });
  expect((await call(archiveModel, { params: of(model) })).updatedAt).toBe(archived.updatedAt);
  expect(await refusals()).toEqual(all('409 model-archived'));

  expect(await call(unarchiveModel, { params: of(model) })).toMatchObject({ status: 'draft' });
  const deleted = await call(deleteModel, { params: of(model) });
  expect(await refusals()).toEqual(all('404 not-found'));
  expect(
    await refusalOf(call(createSource, { params: of(model), body: { name: 'S', settings: NOWHERE } })),
  ).toMatchObject({ status: 404 });
  expect(await refusalOf(call(updateModel, { params: of(model), body: { name: 'X' } }))).toMatchObject({
    status: 404,
  });
  expect((await call(getModel, { params: of(model) })).deletedAt).toBe(deleted.deletedAt);
  expect(await call(restoreModel, { params: of(model) })).toMatchObject({
    deletedAt: null,
    status: 'draft',
    name: 'Old trade',
  });
  // Not refused for the model any more: now the test is begun.
  expect(await triggers.test()).toMatchObject({ status: 'queued' });

  const entries = await readAll(store, paths.audits(account.params.tenant), AuditRecord, {
    where: [['target', '==', paths.model(account.params.tenant, model.id)]],
    orderBy: ['at', 'asc'],
  });
  expect(entries.map(({ action }) => action)).toEqual([
    'model.create',
    'model.archive',
    'model.unarchive',
    'model.delete',
    'model.restore',
  ]);
  expect(entries[1]).toMatchObject({ before: { status: 'draft' }, after: { status: 'archived' } });
});

test('a model that asks for approval deploys no candidate', async () => {
  const { call } = account;
  const model = await make('Careful', { requireApproval: true });
  const triggers = await triggersOf(model);
  expect(await refusalOf(triggers.deployment())).toMatchObject({ code: 'version-unapproved' });
  const relaxed = await call(updateModel, { params: of(model), body: { requireApproval: false } });
  expect(relaxed).toMatchObject({ requireApproval: false, name: 'Careful' });
});

test('a model with a run under way or a deployment that answers is not deleted, and says what to do', async () => {
  const { call } = account;
  const model = await make('Busy');
  const { tenant, model: id } = of(model);
  const records = recordsOf(tenant, id);
  const live = records.deployment('live', 'https://tw.example');
  const run = { ...records.pipeline('running', []), id: 'rbusy1' };
  await store.db.commit([
    { kind: 'create', path: paths.deployment(tenant, id, live.id), data: live },
    { kind: 'create', path: paths.pipelineRun(tenant, id, run.id), data: run },
    { kind: 'create', path: paths.lock(tenant, id, 'pipeline'), data: { run: run.id } },
  ]);
  const { items } = await call(listModelDependents, { params: of(model) });
  expect(items.map(({ kind, blocks }) => `${kind} ${blocks}`)).toEqual([
    'deployment true',
    'pipeline-run true',
  ]);
  expect(await refusalOf(call(deleteModel, { params: of(model) }))).toMatchObject({
    status: 409,
    code: 'in-use',
    detail: expect.stringMatching(/deployment "live".*pipeline run "running"/),
    remedy: expect.stringContaining('Stop the deployment'),
  });
  await store.db.commit([
    { kind: 'update', path: paths.deployment(tenant, id, live.id), data: { status: 'stopped' } },
    { kind: 'delete', path: paths.lock(tenant, id, 'pipeline') },
  ]);
  expect((await call(deleteModel, { params: of(model) })).deletedAt).not.toBeNull();
});

test('models are listed by page, by name, by status, with what is deleted apart', async () => {
  const other = await openAccount();
  const params = { tenant: other.params.tenant };
  const add = (name: string) => other.call(createModel, { params, body: { name } });
  const made = [];
  for (const name of ['Beta', 'Alpha one', 'Alpha two']) made.push(await add(name));
  const [beta, one] = made;
  if (beta === undefined || one === undefined) throw new Error('not made');
  const names = async (query: object) => {
    const page = await other.call(listModels, { params, query });
    return { names: page.items.map(({ name }) => name), next: page.next };
  };
  // The account has one of its own, called Model.
  const first = await names({ sort: 'name', order: 'asc', limit: 3 });
  expect(first.names).toEqual(['Alpha one', 'Alpha two', 'Beta']);
  expect(await names({ sort: 'name', order: 'asc', limit: 3, after: first.next })).toEqual({
    names: ['Model'],
    next: null,
  });
  expect((await names({})).names[0]).toBe('Alpha two');
  expect((await names({ search: 'Alpha' })).names).toEqual(['Alpha one', 'Alpha two']);
  await other.call(archiveModel, { params: { ...params, model: beta.id } });
  expect((await names({ status: 'archived' })).names).toEqual(['Beta']);
  await other.call(deleteModel, { params: { ...params, model: one.id } });
  expect((await names({ search: 'Alpha' })).names).toEqual(['Alpha two']);
  expect((await names({ deleted: 'only' })).names).toEqual(['Alpha one']);
  expect(await refusalOf(other.call(listModels, { params, query: { sort: 'status' } }))).toMatchObject({
    status: 422,
  });
});
