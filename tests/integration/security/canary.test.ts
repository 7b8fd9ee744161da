/**
 * Secrets of this run's own, given in every field that takes one, while everything is done with them that goes well and
 * that goes wrong; then all that was answered, kept and logged is searched for them, in every form. That the search finds is
 * shown by a leak that is planted in each kind of place.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BigQuery } from '@google-cloud/bigquery';
import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { PassThroughClient } from 'google-auth-library';
import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { getConnectionTest, startConnectionTest } from '#core/api/connection-tests';
import { createDataset, previewDataset } from '#core/api/datasets';
import { preflightEtl } from '#core/api/etl';
import { createKey, rollKey } from '#core/api/keys';
import { acceptInvitation, createInvitation } from '#core/api/members';
import { createSource, discoverTables, setCredentials, updateSource } from '#core/api/sources';
import { createExport, getExport } from '#core/api/tenants';
import { paths } from '#core/paths';
import { readConfig } from '#runtime/config';
import { tenantKeysOf } from '#store/tenant-keys';
import { type Account, openAccount, refusalOf, signUpPerson } from '#tests/account';
import { eventually } from '#tests/eventually';
import { type Artefact, ENCODINGS, findLeaks, type Leak } from '#tests/leak-search';
import { useLocalCloud } from '#tests/local-cloud';
import { keyFile } from '#tests/bigquery';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openTestStore } from '#tests/store';

const store = openTestStore();
const { stateDir, urls, projectId, env } = useLocalCloud();
const fresh = () => `cn${randomBytes(9).toString('hex')}`;
/** What is searched for; the passwords that are sent have more around it. */
const secrets: Record<string, Uint8Array> = {};
const secret = (name: string): string => {
  const made = fresh();
  secrets[name] = Buffer.from(made);
  return made;
};
const passwordOf = (name: string) => `${secret(name)}"/ %&`;

const answers: Artefact[] = [];
const real = globalThis.fetch;
let shop: TestPostgres;
let account: Account;

beforeAll(async () => {
  globalThis.fetch = async (input, init) => {
    const response = await real(input, init);
    const name = `${init?.method ?? 'GET'} ${input instanceof Request ? input.url : String(input)}`;
    const bytes = new Uint8Array(await response.clone().arrayBuffer());
    const headers = JSON.stringify([...response.headers]);
    answers.push({ kind: 'answer', name, bytes: Buffer.concat([Buffer.from(headers), bytes]) });
    return response;
  };
  shop = await startTestPostgres();
  account = await openAccount();
});
afterAll(async () => {
  globalThis.fetch = real;
  await shop.stop();
  await store.db.close();
});

const settings = () => ({
  kind: 'postgres' as const,
  host: '127.0.0.1',
  port: shop.port,
  database: 'shop',
  user: 'reader',
  sslMode: 'disable' as const,
});

async function testOf(source: string) {
  const { id } = await account.call(startConnectionTest, { params: account.params, body: { source } });
  return eventually('the end of the test', async () => {
    const found = await account.call(getConnectionTest, { params: { ...account.params, test: id } });
    return found.finishedAt === null ? null : found;
  });
}

test('everything that takes a secret, used well and badly', async () => {
  const right = passwordOf('the right password');
  await shop.sql('CREATE TABLE orders (id int PRIMARY KEY, sku text, customer text, placed timestamptz)');
  await shop.sql("INSERT INTO orders SELECT n, 's' || n, 'c', now() FROM generate_series(1, 50) n");
  await shop.sql(`CREATE ROLE reader LOGIN PASSWORD '${right}'`);
  await shop.sql('GRANT SELECT ON orders TO reader');
  const { params, call } = account;

  // A password that is not the right one: the test fails at the sign-in, and so does reading the schema.
  const source = await call(createSource, {
    params,
    body: { name: 'Shop', settings: settings(), credentials: { password: passwordOf('the first password') } },
  });
  const at = { params: { ...params, source: source.id } };
  expect(await testOf(source.id)).toMatchObject({ status: 'failed' });
  expect(await refusalOf(call(discoverTables, at))).toMatchObject({ status: 400 });

  await call(setCredentials, { ...at, body: { password: right } });
  expect(await testOf(source.id)).toMatchObject({ status: 'passed' });
  expect((await call(discoverTables, at)).items).toHaveLength(1);
  expect(await account.load()).toMatchObject({ status: 'succeeded' });

  const changed = passwordOf('the changed password');
  await call(updateSource, { ...at, body: { credentials: { password: changed } } });
  expect(await account.load()).toMatchObject({ status: 'failed' });
  expect(await call(preflightEtl, { params, body: {} })).toMatchObject({ ok: false });

  // The key of a service account, which signs nothing: it is tried, and fails.
  const pem = (body: string) =>
    `-----BEGIN PRIVATE KEY-----\n${body}${'A'.repeat(200)}\n-----END PRIVATE KEY-----\n`;
  const warehouse = await call(createSource, {
    params,
    body: {
      name: 'Warehouse',
      settings: { kind: 'bigquery', project: projectId, dataset: 'sales' },
      credentials: { key: keyFile('reader@shop.iam.gserviceaccount.com', pem(secret('the private key'))) },
    },
  });
  expect(await testOf(warehouse.id)).toMatchObject({ status: 'failed' });
  expect(
    await refusalOf(call(discoverTables, { params: { ...params, source: warehouse.id } })),
  ).toMatchObject({
    code: 'key-invalid',
  });

  // Sent in ways that are refused.
  const odd = secret('the misplaced password');
  const put = (body: string) =>
    fetch(
      `${urls.web}/api/tenants/${params.tenant}/models/${params.model}/sources/${source.id}/credentials`,
      {
        method: 'PUT',
        headers: { authorization: `Bearer ${account.token}`, 'content-type': 'application/json' },
        body,
      },
    );
  for (const body of [
    `{"password":${odd}}`,
    `{"password":"${odd}`,
    `{"password":["${odd}"]}`,
    JSON.stringify({ password: odd, more: odd }),
    JSON.stringify({ key: odd }),
    JSON.stringify({ key: keyFile('reader@shop.iam.gserviceaccount.com', `${odd} no PEM`) }),
    JSON.stringify({
      key: keyFile('reader@shop.iam.gserviceaccount.com', pem(odd), { token_uri: 'https://evil.example' }),
    }),
  ]) {
    const refused = await put(body);
    expect(refused.status).toBe(422);
    // Nor a part of it: a parser's own words quote what it stumbles over.
    expect(await refused.text()).not.toContain(odd.slice(0, 6));
  }
  for (const host of [`postgres://reader:${odd}@127.0.0.1/shop`, `reader:${odd}@127.0.0.1`])
    expect(
      await refusalOf(
        call(createSource, { params, body: { name: 'Pasted', settings: { ...settings(), host } } }),
      ),
    ).toMatchObject({ code: 'invalid-input' });
  const guessing = await fetch(`${urls.web}/api/tenants`, { headers: { authorization: `Bearer ${odd}` } });
  expect(guessing.status).toBe(401);

  // What is broken further on.
  const { id: dataset } = await call(createDataset, {
    params,
    body: {
      name: 'Lines',
      tables: [{ alias: 'lines', destination: 'shop__public_nothing' }],
      joins: [],
      roles: {
        customer: { table: 'lines', column: 'customer' },
        item: { table: 'lines', column: 'sku' },
        time: { table: 'lines', column: 'placed' },
      },
      cleaning: {},
    },
  });
  await refusalOf(call(previewDataset, { params: { ...params, dataset } }));
  const pubsub = new PubSub({ projectId });
  const json = { ...params, test: 'cnothere' };
  await pubsub.topic('connection-test-requested').publishMessage({ json });
  await eventually('the dead letter', async () =>
    (await store.db.list(paths.deadLetters, { where: [['tenant', '==', params.tenant]] })).at(0),
  );
  await pubsub.close();
}, 180_000);

test('tokens that are shown once, used and misused', async () => {
  const { call } = account;
  const params = { tenant: account.params.tenant };
  const first = await call(createKey, { params, body: { name: 'Shop', scopes: ['read'] } });
  const second = await call(rollKey, { params: { ...params, key: first.key.id }, body: { overlapDays: 1 } });
  for (const [name, { token }] of Object.entries({ 'the key': first, 'the rolled key': second })) {
    const inner = token.slice(`tw_${token.split('_')[1]}_`.length, -7);
    secrets[`${name}’s token`] = Buffer.from(inner);
    secrets[`${name}’s bytes`] = Buffer.from(inner, 'base64url');
    const models = `${urls.web}/api/tenants/${params.tenant}/models`;
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(models, { headers })).status).toBe(200);
    expect((await fetch(models, { method: 'POST', headers })).status).toBe(403);
  }
  const body = { email: 'invited@test.example', role: 'viewer' as const };
  const { token } = await call(createInvitation, { params, body });
  secrets['the invitation’s token'] = Buffer.from(token);
  const stranger = await signUpPerson();
  await refusalOf(stranger.call(acceptInvitation, { body: { token } }));
  const { id } = await call(createExport, { params });
  await eventually(
    'the export',
    async () => (await call(getExport, { params: { ...params, export: id } })).status === 'done',
  );
}, 120_000);

/** Every document: of this tenant all, of the collections at the root all. */
async function documents(db: Firestore): Promise<Artefact[]> {
  const found: Artefact[] = [];
  const keep = (one: FirebaseFirestore.DocumentSnapshot) => {
    // As JSON, and every text by itself, so that no escape hides anything.
    const texts: string[] = [one.ref.path];
    const json = JSON.stringify(one.data(), (name, value: unknown) => {
      texts.push(name, ...(typeof value === 'string' ? [value] : []));
      return value;
    });
    found.push({
      kind: 'document',
      name: one.ref.path,
      bytes: Buffer.from(`${json}\n${texts.join('\n')}`, 'latin1'),
    });
  };
  const below = async (ref: FirebaseFirestore.DocumentReference): Promise<void> => {
    for (const collection of await ref.listCollections())
      for (const one of await collection.listDocuments()) {
        const snapshot = await one.get();
        if (snapshot.exists) keep(snapshot);
        await below(one);
      }
  };
  for (const collection of await db.listCollections())
    if (collection.id !== paths.tenants) for (const one of (await collection.get()).docs) keep(one);
  const tenant = db.doc(paths.tenant(account.params.tenant));
  keep(await tenant.get());
  await below(tenant);
  return found;
}

async function objects(): Promise<Artefact[]> {
  const files = openFiles(projectId);
  const list = await files.list(`gs://${env['TRADEWIND_BUCKET']}/${account.params.tenant}/`);
  return Promise.all(
    list.map(async ({ uri }) => ({ kind: 'object', name: uri, bytes: await files.readAll(uri) })),
  );
}

async function rows(): Promise<Artefact[]> {
  const client = new BigQuery({
    projectId,
    apiEndpoint: env['BIGQUERY_ENDPOINT'] ?? '',
    authClient: new PassThroughClient(),
  });
  const warehouse = openWarehouse({
    projectId,
    location: useLocalCloud().location,
    endpoints: { bigquery: env['BIGQUERY_ENDPOINT'] },
  });
  const found: Artefact[] = [];
  for (const dataset of await warehouse.listDatasets(`tw_${account.params.tenant}_`))
    for (const table of (await client.dataset(dataset).getTables())[0]) {
      const name = `${dataset}.${table.id}`;
      const [metadata] = await table.getMetadata();
      const content = await warehouse.query(`SELECT * FROM \`${name}\``);
      found.push({ kind: 'row', name, bytes: Buffer.from(JSON.stringify([metadata, content])) });
    }
  return found;
}

/** Everything the local cloud keeps on disk: logs of every piece and container, journals, its own databases. */
function filesOf(folder: string): Artefact[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    try {
      const path = join(folder, name);
      if (!statSync(path).isFile() || name.startsWith('compile-cache')) return [];
      return [
        {
          kind: name.startsWith('logs') || name.endsWith('.log') ? 'log' : 'file',
          name,
          bytes: readFileSync(path),
        },
      ];
    } catch {
      // Gone in between: other tests are at work.
      return [];
    }
  });
}

/** The web app as it is served. */
async function pages(): Promise<void> {
  const html = await (await fetch(`${urls.web}/`)).text();
  for (const [, asset = ''] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) await fetch(`${urls.web}${asset}`);
}

test('none of them is anywhere; what is planted is found', async () => {
  // What is said differently in every form.
  const planted = `${fresh()}>>>???"\\`;
  const { tenant, model } = account.params;
  const forms = Object.entries(ENCODINGS).map(
    ([name, encode]) => [name, encode(Buffer.from(planted))[0] ?? ''] as const,
  );
  const db = new Firestore({ projectId });
  const files = openFiles(projectId);
  const here = `planted-${tenant}`;
  for (const [name, form] of forms) {
    const text = Buffer.from(form).toString('latin1');
    await fetch(`data:text/plain;base64,${Buffer.from(form).toString('base64')}#${here}-${name}`);
    await db.doc(`${paths.model(tenant, model)}/planted/${name}`).set({ text });
    await files.save(
      `gs://${env['TRADEWIND_BUCKET']}/${tenant}/${here}-${name}`,
      Buffer.from(form),
      'text/plain',
    );
    await appendFile(join(stateDir, 'logs', `${here}-${name}.log`), Buffer.from(form));
  }
  secrets['planted'] = Buffer.from(planted, 'latin1');
  const keys = await tenantKeysOf(store, readConfig(process.env).installationKeys, tenant);
  for (const [number, key] of keys.keys) secrets[`the data key ${number}`] = key;
  await pages();
  // Whatever lags a little: chunks of run logs, the audit, lines of logs.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const artefacts = [
    ...answers,
    ...(await documents(db)),
    ...(await objects()),
    ...(await rows()),
    ...filesOf(stateDir),
  ];
  await db.terminate();

  const { leaks, bytes } = findLeaks(artefacts, secrets);
  const isPlanted = ({ secret: name }: Leak) => name === 'planted';
  const counts = Map.groupBy(artefacts, ({ kind }) => kind);
  process.stderr.write(
    `canary: ${Object.keys(secrets).length - 1} secrets in ${artefacts.length} artefacts (${[...counts].map(([kind, of]) => `${of.length} ${kind}`).join(', ')}), ${(bytes / 1e6).toFixed(1)} MB; ${leaks.filter((one) => !isPlanted(one)).length} known places, ${leaks.filter(isPlanted).length} planted found\n`,
  );
  const found = new Set(
    leaks
      .filter(isPlanted)
      .map(({ kind, encoding, name }) => `${kind} ${encoding} ${/\b([a-z0-9]+)(?:\.log)?$/.exec(name)?.[1]}`),
  );
  const expected = ['answer', 'document', 'object', 'log'].flatMap((kind) =>
    forms.map(([form]) => `${kind} ${form} ${form}`),
  );
  expect(expected.filter((one) => !found.has(one))).toEqual([]);

  const places = leaks
    .filter((one) => !isPlanted(one))
    .map(
      ({ secret: name, encoding, kind, name: where }) =>
        // Where chance has drawn no + and no /, the two kinds of base64 are one.
        `${name} (${encoding.replace('base64url', 'base64')}) in ${kind} ${where.replace(urls.web, '')}`,
    );
  const keysAt = `in answer POST /api/tenants/${tenant}/keys`;
  const key = /\/keys\/(\w+)\/roll/.exec(places.join(' '))?.[1] ?? '';
  expect(places.sort()).toEqual([
    // What Cloud Run is given to run a container with, here the local one's journal: a container needs its tenant's key.
    'the data key 1 (base64) in file run/journal.json',
    // Tokens are shown once, to whoever makes them.
    `the invitation’s token (raw) in answer POST /api/tenants/${tenant}/invitations`,
    `the key’s bytes (base64) ${keysAt}`,
    `the key’s token (raw) ${keysAt}`,
    `the rolled key’s bytes (base64) ${keysAt}/${key}/roll`,
    `the rolled key’s token (raw) ${keysAt}/${key}/roll`,
  ]);
}, 120_000);
