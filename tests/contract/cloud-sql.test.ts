/** Sources in Cloud SQL: its Admin API and its port with certificates, in front of real databases. */
import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:net';
import type { ConnectorContext, TestedStep } from '#connectors/connector';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { connectors } from '#connectors/registry';
import { openWay } from '#connectors/tunnel';
import { type Credentials, SourceSettings } from '#core/source';
import { cloudSqlFor } from '#store/cloud-sql-access';
import { keyFile } from '#tests/bigquery';
import { startTestCloudSql, type TestCloudSql } from '#tests/cloud-sql';
import { extractAll, makeTestContext } from '#tests/connectors';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { startTestSqlServer, type TestSqlServer } from '#tests/sqlserver';

const ACCOUNT = 'reader@shop.iam.gserviceaccount.com';
const NAMES = {
  postgres: 'acme-shop:europe-west1:orders',
  mysql: 'acme-shop:europe-west1:web',
  sqlserver: 'acme-shop:europe-west1:erp',
} as const;
const never = new AbortController().signal;
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const key = keyFile(ACCOUNT, privateKey);
const password = 'owner secret';

let cloud: TestCloudSql;
let postgres: TestPostgres;
let mariadb: TestMariadb;
let sqlserver: TestSqlServer;
let context: ConnectorContext;

beforeAll(async () => {
  [cloud, postgres, mariadb, sqlserver] = await Promise.all([
    startTestCloudSql(new Map([[ACCOUNT, publicKey]])),
    startTestPostgres(),
    startTestMariadb(),
    startTestSqlServer(),
  ]);
  const rows = 'CREATE TABLE things (id int PRIMARY KEY, label text)';
  await postgres.sql(`${rows}; INSERT INTO things SELECT n, 'label ' || n FROM generate_series(1, 3000) n`);
  await mariadb.sql(`${rows}; INSERT INTO things SELECT seq, CONCAT('label ', seq) FROM seq_1_to_3000`);
  sqlserver.database.add(
    { schema: 'dbo', name: 'things', columns: [{ name: 'id', type: 'int', nullable: false }], key: ['id'] },
    Array.from({ length: 3000 }, (_, id) => [id]),
  );
  await cloud.add(NAMES.postgres, 'POSTGRES_15', postgres.port);
  await cloud.add(NAMES.mysql, 'MYSQL_8_0', mariadb.port);
  await cloud.add(NAMES.sqlserver, 'SQLSERVER_2019_STANDARD', sqlserver.port);
  const addresses = [...cloud.instances.values()].map(({ address }) => address);
  context = {
    ...makeTestContext(),
    hosts: makeHostGuard(parseAllowedHosts(addresses.join(','))),
    cloudSql: (keyText) => cloudSqlFor('acme', cloud.url, keyText),
  };
}, 60_000);
afterAll(async () => {
  await Promise.all([cloud, postgres, mariadb, sqlserver].map((each) => each?.stop()));
});
beforeEach(() => {
  for (const instance of cloud.instances.values())
    Object.assign(instance, {
      labels: { 'tradewind-tenant': 'acme' },
      refusal: null,
      addressType: 'PRIMARY',
      dnsName: '',
    });
});

/** An access to the instance; its user may do everything. */
function access(kind: keyof typeof NAMES, credentials: Credentials = { password }, more: object = {}) {
  const given = { kind, host: NAMES[kind], database: 'shop', user: 'owner', cloudSql: {}, ...more };
  return { settings: SourceSettings.parse(given), credentials };
}

async function steps(
  kind: keyof typeof NAMES,
  ...[credentials, more]: [Credentials?, object?]
): Promise<TestedStep[]> {
  const found: TestedStep[] = [];
  for await (const step of connectors[kind].test(access(kind, credentials, more), context, never))
    found.push(step);
  return found;
}

/** What the first failed step came to. */
async function failure(...args: Parameters<typeof steps>): Promise<TestedStep | undefined> {
  return (await steps(...args)).find(({ status }) => status === 'failed');
}

test.each([
  ['postgres', 'public.things'],
  ['mysql', 'things'],
] as const)(
  'a table of %s is read through the instance, as the installation and as a key',
  async (kind, table) => {
    for (const credentials of [{ password }, { password, key }]) {
      cloud.asked.length = 0;
      const session = await connectors[kind].connect(access(kind, credentials), context, never);
      await session.openSnapshot();
      const { columns } = await session.describe(table);
      const { tally } = await extractAll(
        session,
        await session.planUnits(table, { targetBytes: 1e9 }),
        columns,
      );
      await session.close();
      expect(tally.rows).toBe(3000);
      expect(new Set(cloud.asked)).toEqual(new Set(['key' in credentials ? ACCOUNT : '']));
    }
  },
);

test.each(['postgres', 'mysql', 'sqlserver'] as const)(
  'a test of %s tells the way step by step',
  async (kind) => {
    const credentials = kind === 'sqlserver' ? sqlserver.access().credentials : { password };
    const found = await steps(kind, credentials as Credentials);
    expect(found.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'resolve passed',
      'reach passed',
      'tls passed',
      'sign-in passed',
      'permissions passed',
      'read passed',
    ]);
    expect(found[0]?.message).toContain(`the installation’s service account that ${NAMES[kind]} is`);
    expect(found[2]?.message).toBe(
      'Encrypted with TLSv1.3 by certificates of Cloud SQL; certificate and name verified.',
    );
  },
);

test('the instance of another tenant is refused to the installation’s own account, at each opening, and not to a key', async () => {
  const instance = cloud.instances.get(NAMES.postgres)!;
  const { entered } = instance;
  for (const labels of [{}, { 'tradewind-tenant': 'other' }] as const) {
    instance.labels = labels;
    expect(await failure('postgres')).toMatchObject({
      name: 'resolve',
      code: 'cloud-sql-forbidden',
      remedy: expect.stringContaining('tradewind-tenant=acme'),
    });
    await expect(connectors.postgres.connect(access('postgres'), context, never)).rejects.toMatchObject({
      code: 'cloud-sql-forbidden',
    });
  }
  expect(instance.entered).toBe(entered);
  expect(await failure('postgres', { password, key })).toBeUndefined();
});

test('what the Admin API refuses is said with what to do about it', async () => {
  const instance = cloud.instances.get(NAMES.postgres)!;
  const refused = { status: 403, reason: 'notAuthorized', message: 'The client is not authorized to make this request.' }; // prettier-ignore
  instance.refusal = refused;
  expect(await failure('postgres')).toMatchObject({ code: 'cloud-sql-refused', remedy: expect.stringContaining('Cloud SQL Client') }); // prettier-ignore
  expect(await failure('postgres', { password, key })).toMatchObject({ remedy: expect.stringContaining(ACCOUNT) }); // prettier-ignore
  instance.refusal = { ...refused, reason: 'accessNotConfigured' };
  expect(await failure('postgres')).toMatchObject({ code: 'cloud-sql-refused', remedy: expect.stringContaining('Enable the Cloud SQL Admin API') }); // prettier-ignore
  for (const [status, reason, message] of [
    [409, 'invalidState', 'takes no connections now'],
    [403, 'rateLimitExceeded', 'does not answer for'],
    // No refusal, and not what was asked for: of an instance that is only being made.
    [200, '', 'lacks region'],
  ] as const) {
    instance.refusal = { ...refused, status, reason };
    expect(await failure('postgres', { password, key })).toMatchObject({
      name: 'resolve',
      code: 'source-unreachable',
      message: expect.stringContaining(message),
    });
  }
  instance.refusal = { ...refused, status: 500, reason: 'internalError' };
  expect(await failure('postgres')).toMatchObject({ code: 'source-unreachable' });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stolen = keyFile(ACCOUNT, other.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  expect(await failure('postgres', { password, key: stolen })).toMatchObject({ code: 'sign-in-refused' });
}, 20_000);

test.each([
  ['another instance', { host: 'acme-shop:europe-west1:gone' }, 'cloud-sql-not-found'],
  ['another region', { host: 'acme-shop:us-east1:orders' }, 'cloud-sql-not-found'],
  ['another kind of database', { host: NAMES.mysql }, 'cloud-sql-engine'],
  ['an address that it has not', { cloudSql: { address: 'private' } }, 'cloud-sql-no-address'],
  ['a name that it has not', { cloudSql: { address: 'psc' } }, 'cloud-sql-no-address'],
])('%s is told', async (_, more, code) => {
  expect(await failure('postgres', { password }, more)).toMatchObject({ name: 'resolve', code, remedy: expect.any(String) }); // prettier-ignore
});

test('an address of a private network is the operator’s to allow, whatever Cloud SQL tells', async () => {
  const closed = { ...context, hosts: makeHostGuard([]) };
  await expect(connectors.postgres.connect(access('postgres'), closed, never)).rejects.toMatchObject({
    code: 'host-refused',
  });
});

test('who has another certificate than the instance’s is not talked to', async () => {
  const name = 'acme-shop:europe-west1:false';
  const instance = await cloud.add(name, 'POSTGRES_15', postgres.port, 'acme-shop:orders');
  const hosts = makeHostGuard(parseAllowedHosts(instance.address));
  instance.labels = { 'tradewind-tenant': 'acme' };
  const { settings } = access('postgres', undefined, { host: name });
  const entry = connectors.postgres.connect(
    { settings, credentials: { password } },
    { ...context, hosts },
    never,
  );
  await expect(entry).rejects.toMatchObject({
    code: 'tls-unverified',
    message: expect.stringContaining(name),
  });
});

test('an instance that does not run is not to be reached', async () => {
  const instance = cloud.instances.get(NAMES.postgres)!;
  const { address } = instance;
  instance.address = address
    .replace(/^127/, '127')
    .replace(/\d+$/, (last) => String((Number(last) % 254) + 1));
  const hosts = makeHostGuard(parseAllowedHosts('127.0.0.0/8'));
  const entry = connectors.postgres.connect(access('postgres'), { ...context, hosts }, never);
  await expect(entry).rejects.toMatchObject({ name: 'TransientError', code: 'source-unreachable' });
  instance.address = address;
});

test('a certificate is used for as long as it is good, and then another is asked for', async () => {
  const instance = cloud.instances.get(NAMES.mysql)!;
  const settings = access('mysql').settings as Parameters<typeof openWay>[0];
  const before = instance.certificates;
  const way = await openWay(settings, { password }, context, never);
  const greeting = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(way.pinned.port, way.pinned.address);
      socket.once('data', (bytes) => (socket.destroy(), resolve(bytes.toString('latin1'))));
      socket.once('close', () => reject(new Error('closed'))).on('error', reject);
    });
  for (let n = 0; n < 3; n++) expect(await greeting()).toContain('MariaDB');
  expect(instance.certificates - before).toBe(1);
  const now = Date.now();
  const clock = Date.now;
  Date.now = () => now + 51 * 60_000;
  expect(await greeting()).toContain('MariaDB');
  expect(await greeting()).toContain('MariaDB');
  Date.now = clock;
  expect(instance.certificates - before).toBe(2);
  way.close();
  await expect(greeting()).rejects.toThrow(/closed|ECONNREFUSED/);
});

test.each([
  [{ host: 'db.example.com' }, 'host'],
  [{ tunnel: { host: 'bastion.example.com', user: 'x' } }, 'tunnel'],
  [{ sslMode: 'verify-full' }, 'sslMode'],
  [{ ca: 'PEM' }, 'sslMode'],
])('settings that do not go together are refused: %p', (more, path) => {
  const given = {
    kind: 'postgres',
    host: NAMES.postgres,
    database: 'shop',
    user: 'x',
    cloudSql: {},
    ...more,
  };
  expect(SourceSettings.safeParse(given).error?.issues).toEqual([expect.objectContaining({ path: [path] })]);
});
