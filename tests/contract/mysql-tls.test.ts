/** TLS to a real MariaDB whose certificate is of an authority of its own: names, addresses, and who does not fit. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { MysqlSettings } from '#connectors/mysql/connection';
import { mysql } from '#connectors/mysql/mysql';
import { makeTestContext } from '#tests/connectors';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';

const run = promisify(execFile);
let folder: string;
let ca: string;
let server: TestMariadb;

/** An authority, and a certificate of it for `names`, as files `<name>.pem` and `<name>.key`. */
async function certify(names: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  await openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  await openssl('req', ...key, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
  await writeFile(path.join(folder, 'names'), `subjectAltName=${names}`);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
  await openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signed);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-tls-'));
  await certify('DNS:localhost');
  ca = await readFile(path.join(folder, 'ca.pem'), 'utf8');
  server = await startTestMariadb([
    `--ssl-cert=${folder}/server.pem`,
    `--ssl-key=${folder}/server.key`,
    `--ssl-ca=${folder}/ca.pem`,
  ]);
  await server.sql(`CREATE TABLE things (id int PRIMARY KEY, v longtext);
    INSERT INTO things SELECT seq, REPEAT('x', 1000) FROM seq_1_to_5000;
    CREATE USER secret@'%' IDENTIFIED BY 'owner secret' REQUIRE SSL; GRANT SELECT ON shop.* TO secret@'%'`);
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

function access(changes: Partial<MysqlSettings>) {
  const base = { kind: 'mysql' as const, host: 'localhost', port: server.port, database: 'shop' };
  const settings: MysqlSettings = { ...base, user: 'secret', sslMode: 'verify-full', ca, ...changes };
  return { settings, credentials: { password: 'owner secret' } };
}

async function steps(changes: Partial<MysqlSettings>): Promise<string[]> {
  const never = new AbortController().signal;
  const found: string[] = [];
  for await (const { name, status, code, message } of mysql.test(access(changes), makeTestContext(), never))
    found.push(`${name} ${status} ${code ?? message}`);
  return found;
}

/** How many tables are seen over a connection, or the code of what went wrong. */
async function connected(changes: Partial<MysqlSettings>): Promise<number | string> {
  const never = new AbortController().signal;
  try {
    const session = await mysql.connect(access(changes), makeTestContext(), never);
    try {
      return (await session.listTables()).length;
    } finally {
      await session.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

test('a certificate that fits is verified, and the test says so', async () => {
  const found = await steps({});
  expect(found[2]).toMatch(/^tls passed Encrypted with TLSv1\.[23], certificate and name verified\.$/);
  expect(found.map((step) => step.split(' ')[1])).toEqual(Array.from({ length: 6 }, () => 'passed'));
  expect(await connected({})).toBe(1);
});

test.each([
  ['an authority that is not trusted', { ca: '' }],
  ['an address that is not in the certificate', { host: '127.0.0.1' }],
])('%s is refused before a password is sent', async (_, changes: Partial<MysqlSettings>) => {
  expect((await steps(changes))[2]).toMatch(/^tls failed tls-unverified/);
  expect(await connected(changes)).toBe('tls-unverified');
});

test('what is not verified is encrypted all the same; without TLS this user is not let in', async () => {
  expect(await connected({ sslMode: 'require', host: '127.0.0.1' })).toBe(1);
  expect(await connected({ sslMode: 'prefer', host: '127.0.0.1' })).toBe(1);
  expect(await connected({ sslMode: 'disable' })).toBe('sign-in-refused');
});
