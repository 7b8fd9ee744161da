import { generateKeyPairSync } from 'node:crypto';
import { createDataset, deleteDataset } from '#core/api/datasets';
import {
  createSource,
  deleteSource,
  discoverTables,
  getSource,
  listSourceDependents,
  listSources,
  listSourceTables,
  restoreSource,
  setCredentials,
  updateSource,
  updateSourceTable,
} from '#core/api/sources';
import { paths } from '#core/paths';
import { type Source, SourceTable, SourceSettings } from '#core/source';
import { readConfig } from '#runtime/config';
import { mustRead, readAll } from '#store/document';
import { sealedPath } from '#store/seal';
import { accessOf } from '#store/source-access';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { type EagerPostgres, startEagerPostgres } from '#tests/eager-postgres';
import { keyFile } from '#tests/bigquery';
import { DEFINITION } from '#tests/pipeline-account';
import { openTestStore } from '#tests/store';
import { AuditRecord } from '#core/audit';
import { passwordOf, Source as SourceSchema } from '#core/source';
import { changeSource } from '../../../functions/sources/sources.ts';

const store = openTestStore();
let account: Account;
let mine: EagerPostgres;
let theirs: EagerPostgres;
beforeAll(async () => {
  [account, mine, theirs] = await Promise.all([openAccount(), startEagerPostgres(), startEagerPostgres()]);
});
afterAll(() => Promise.all([store.db.close(), mine.stop(), theirs.stop()]));

const at = (server: EagerPostgres): SourceSettings => ({
  kind: 'postgres',
  host: '127.0.0.1',
  port: server.port,
  database: 'shop',
  user: 'reader',
  sslMode: 'disable',
});
const add = (name: string, password?: string) =>
  account.call(createSource, {
    params: account.params,
    body: { name, settings: at(mine), ...(password === undefined ? {} : { credentials: { password } }) },
  });
const of = (source: { readonly id: string }) => ({ ...account.params, source: source.id });
const sealedOf = (source: { readonly id: string }) =>
  store.db.get(sealedPath(paths.source(account.params.tenant, account.params.model, source.id)));

test('a password is never sent to another host, port, database or user than it was given for', async () => {
  const { call } = account;
  const source = await add('Shop', 'the secret');
  const discover = () => refusalOf(call(discoverTables, { params: of(source) }));
  await discover();
  expect(mine.heard).toEqual(['the secret']);

  const renamed = await call(updateSource, { params: of(source), body: { name: 'The shop' } });
  expect(renamed).toMatchObject({ name: 'The shop', credentialsSetAt: source.credentialsSetAt });

  // Whoever may edit points it at a server of their own.
  const moved = await call(updateSource, { params: of(source), body: { settings: at(theirs) } });
  expect(moved.credentialsSetAt).toBeNull();
  expect(await sealedOf(source)).toBeNull();
  await discover();
  expect(theirs.heard.filter((password) => password !== '')).toEqual([]);

  // Pointing it back does not bring the password back.
  await call(updateSource, { params: of(source), body: { settings: at(mine) } });
  mine.heard.length = 0;
  await discover();
  expect(mine.heard.filter((password) => password !== '')).toEqual([]);

  // Sent along, the new place gets the new one; other databases and users of one server are other places.
  await call(updateSource, {
    params: of(source),
    body: { settings: at(theirs), credentials: { password: 'another' } },
  });
  await discover();
  expect(theirs.heard.at(-1)).toBe('another');
  for (const change of [{ database: 'other' }, { user: 'admin' }]) {
    await call(setCredentials, { params: of(source), body: { password: 'another' } });
    const edited = await call(updateSource, {
      params: of(source),
      body: { settings: { ...at(theirs), ...change } },
    });
    expect(edited.credentialsSetAt).toBeNull();
  }
  // How the connection is protected is no other place.
  await call(setCredentials, { params: of(source), body: { password: 'another' } });
  const now = await call(getSource, { params: of(source) });
  const stricter = { ...now.settings, sslMode: 'require' as const };
  const kept = await call(updateSource, {
    params: of(source),
    body: { settings: stricter },
  });
  expect(kept.credentialsSetAt).toBe(now.credentialsSetAt);
});

test('a new password of the database forgets no key of a tunnel; another tunnel, or who says so, does', async () => {
  const { call } = account;
  const source = await add('Tunnelled', 'first');
  const tunnel = { host: 'jump.example', port: 22, user: 'tw', hostKey: null };
  const settings = { ...at(mine), tunnel };
  const ssh = { privateKey: 'the key of the jump server' };
  await call(updateSource, {
    params: of(source),
    body: { settings, credentials: { password: 'first', ssh } },
  });
  const kept = async () => {
    const { credentials } = await accessOf(
      store,
      readConfig(process.env),
      account.params,
      await call(getSource, { params: of(source) }),
    );
    return credentials;
  };
  await call(setCredentials, { params: of(source), body: { password: 'second' } });
  expect(await kept()).toEqual({ password: 'second', ssh });
  await call(updateSource, {
    params: of(source),
    body: { name: 'By tunnel', credentials: { password: 'third' } },
  });
  expect(await kept()).toEqual({ password: 'third', ssh });
  // Never to another server than it was given for.
  const other = { ...settings, tunnel: { ...tunnel, host: 'other.example' } };
  await call(updateSource, {
    params: of(source),
    body: { settings: other, credentials: { password: 'fourth' } },
  });
  expect(await kept()).toEqual({ password: 'fourth' });
  await call(setCredentials, { params: of(source), body: { password: 'fifth', ssh } });
  await call(setCredentials, { params: of(source), body: { password: 'sixth', ssh: {} } });
  expect(await kept()).toEqual({ password: 'sixth', ssh: {} });
});

test('nor does it forget the key of a service account for Cloud SQL, which goes with no other server', async () => {
  const { call } = account;
  const source = await add('In Cloud SQL', 'first');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = keyFile('reader@shop.iam.gserviceaccount.com', pem);
  const kept = async () => {
    const now = await call(getSource, { params: of(source) });
    return (await accessOf(store, readConfig(process.env), account.params, now)).credentials;
  };
  const refused = call(setCredentials, { params: of(source), body: { password: 'first', key } });
  expect(await refusalOf(refused)).toMatchObject({ code: 'credentials-kind' });
  const { sslMode: _, ...rest } = at(mine) as Record<string, unknown>;
  const settings = SourceSettings.parse({ ...rest, host: 'acme-shop:europe-west1:orders', cloudSql: {} });
  const changed = await call(updateSource, {
    params: of(source),
    body: { settings, credentials: { password: 'first', key } },
  });
  expect(JSON.stringify(changed)).not.toContain(pem.slice(40, 80));
  await call(setCredentials, { params: of(source), body: { password: 'second' } });
  expect(await kept()).toEqual({ password: 'second', key });
  await call(setCredentials, { params: of(source), body: { password: 'third', key: null } });
  expect(await kept()).toEqual({ password: 'third', key: null });
});

test('however edits and readings interleave, credentials only ever meet the place they are for', async () => {
  const source = await add('Raced', 'for mine');
  const world = readConfig(process.env);
  const key = { tenant: account.params.tenant, model: account.params.model };
  const path = paths.source(key.tenant, key.model, source.id);
  const meetings = new Map<string, number>();
  const read = async () => {
    const { value } = await mustRead(store, path, SourceSchema, 'source');
    // The pause in which an edit may come.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 6));
    const { settings, credentials } = await accessOf(store, world, key, value);
    const place = settings.kind === 'postgres' && settings.port === mine.port ? 'mine' : 'theirs';
    const meeting = `${passwordOf(credentials) || 'none'} at ${place}`;
    meetings.set(meeting, (meetings.get(meeting) ?? 0) + 1);
  };
  const turn = (server: EagerPostgres, password: string) =>
    changeSource(store, world, { ...key, source: source.id }, 'tester', {
      settings: at(server),
      credentials: { password },
    });
  for (let round = 0; round < 25; round++) {
    const edit = round % 2 === 0 ? turn(theirs, 'for theirs') : turn(mine, 'for mine');
    await Promise.all([edit, ...Array.from({ length: 6 }, read)]);
  }
  expect([...meetings.keys()].filter((one) => !one.startsWith('none'))).toEqual(
    expect.arrayContaining(['for mine at mine', 'for theirs at theirs']),
  );
  expect(meetings.has('for mine at theirs') || meetings.has('for theirs at mine')).toBe(false);
});

test('an edit names what cannot be: another kind, unknown keys, somebody else’s change in between', async () => {
  const { call } = account;
  const source = await add('Guarded', 'p');
  const edit = (body: object) => refusalOf(call(updateSource, { params: of(source), body }));
  const csv = { kind: 'csv', uris: [`gs://other-bucket/file.csv`] };
  expect(await edit({ settings: csv })).toMatchObject({ status: 400, code: 'kind-fixed' });
  expect(await edit({ enabled: false, credentialsSetAt: null })).toMatchObject({ status: 422 });

  const seen = source.updatedAt;
  const disabled = await call(updateSource, {
    params: of(source),
    body: { enabled: false, expectedUpdatedAt: seen },
  });
  expect(disabled).toMatchObject({ enabled: false });
  expect(await edit({ enabled: true, expectedUpdatedAt: seen })).toMatchObject({
    status: 409,
    code: 'conflict',
  });
  // What changes nothing is no change.
  const same = await call(updateSource, { params: of(source), body: { enabled: false } });
  expect(same.updatedAt).toBe(disabled.updatedAt);

  const target = paths.source(account.params.tenant, account.params.model, source.id);
  const entries = await readAll(store, paths.audits(account.params.tenant), AuditRecord, {
    where: [['target', '==', target]],
  });
  expect(entries.map(({ action }) => action).sort()).toEqual(['source.create', 'source.update']);
  const update = entries.find(({ action }) => action === 'source.update');
  expect(update).toMatchObject({ before: { enabled: true }, after: { enabled: false } });
  expect(JSON.stringify(entries)).not.toContain('password');
});

test('a source in use stays; deleted it is out of lists, comes back whole, and forgets its password on request', async () => {
  const { call, params } = account;
  const first = await add('Used', 'p');
  const second = await add('Twin', 'p');
  expect(second.sameAs).toContain(first.id);
  await store.db.commit(
    ['orders', 'order_notes', 'customers'].map((name, index) => ({
      kind: 'create',
      path: paths.sourceTable(params.tenant, params.model, first.id, `table${index}`),
      data: tableOf(first, `table${index}`, name),
    })),
  );

  // Its tables, by page, by name, by what is chosen.
  const tables = (query: object) => call(listSourceTables, { params: of(first), query });
  const page = await tables({ limit: 2 });
  expect(page.items.map(({ name }) => name)).toEqual(['customers', 'order_notes']);
  expect((await tables({ limit: 2, after: page.next })).items.map(({ name }) => name)).toEqual(['orders']);
  expect((await tables({ search: 'order' })).items).toHaveLength(2);
  const choice = { params: { ...of(first), table: 'table2' }, body: { enabled: false } };
  await call(updateSourceTable, choice);
  expect((await tables({ enabled: 'false' })).items.map(({ id }) => id)).toEqual(['table2']);

  const dataset = await call(createDataset, {
    params,
    body: { ...DEFINITION, name: 'Over it', tables: [{ alias: 'lines', destination: 'raced_orders' }] },
  });
  const users = await call(listSourceDependents, { params: of(first) });
  expect(users.items).toMatchObject([{ kind: 'dataset', id: dataset.id, name: 'Over it', blocks: true }]);
  expect(await refusalOf(call(deleteSource, { params: of(first) }))).toMatchObject({
    status: 409,
    code: 'in-use',
    detail: expect.stringContaining('data') && expect.stringContaining('Over it'),
  });
  await call(deleteDataset, { params: { ...params, dataset: dataset.id } });

  const deleted = await call(deleteSource, { params: of(first) });
  expect(deleted.deletedAt).not.toBeNull();
  expect((await call(deleteSource, { params: of(first) })).deletedAt).toBe(deleted.deletedAt);
  const listed = async (query: object) =>
    (await call(listSources, { params, query })).items.map(({ id }) => id);
  expect(await listed({ search: 'Use' })).toEqual([]);
  expect(await listed({ deleted: 'only' })).toEqual([first.id]);
  expect((await call(getSource, { params: of(first) })).deletedAt).toBe(deleted.deletedAt);
  for (const attempt of [
    () => call(discoverTables, { params: of(first) }),
    () => call(updateSource, { params: of(first), body: { name: 'X' } }),
    () => call(setCredentials, { params: of(first), body: { password: 'x' } }),
    () => call(updateSourceTable, choice),
  ])
    expect(await refusalOf(attempt())).toMatchObject({ status: 404, code: 'not-found' });

  const back = await call(restoreSource, { params: of(first) });
  expect(back).toMatchObject({ deletedAt: null, credentialsSetAt: first.credentialsSetAt, name: 'Used' });
  expect(await sealedOf(first)).not.toBeNull();

  // Deleted again, then once more with the wish that the password goes now.
  await call(deleteSource, { params: of(first) });
  const forgot = await call(deleteSource, { params: of(first), query: { forgetCredentials: 'true' } });
  expect(forgot.credentialsSetAt).toBeNull();
  expect(await sealedOf(first)).toBeNull();
  expect(await call(restoreSource, { params: of(first) })).toMatchObject({ credentialsSetAt: null });
});

function tableOf(source: Pick<Source, 'id'>, id: string, name: string): SourceTable {
  return SourceTable.parse({
    id,
    source: source.id,
    name,
    columns: [],
    key: null,
    estimatedRows: 1,
    enabled: true,
    mode: 'replace',
    cursor: null,
    destination: `raced_${name}`,
    rejectLimit: 0,
    discoveredAt: new Date().toISOString(),
  });
}
