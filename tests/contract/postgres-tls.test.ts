/** TLS to a real PostgreSQL whose certificate is of an authority of its own, and that takes nobody without TLS. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import type { PostgresSettings } from '#connectors/postgres/connection';
import { postgres } from '#connectors/postgres/postgres';
import { type RunningPostgres, startPostgres } from '#scripts/demo/postgres';
import { ownFolder, unprivilegedAccount } from '#scripts/demo/postgres-binaries';
import { extractAll, makeTestContext } from '#tests/connectors';

const never = new AbortController().signal;
const password = 'owner secret';
let folder: string;
let ca: string;
let server: RunningPostgres;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-tls-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', ...key, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(path.join(folder, 'names'), 'subjectAltName=DNS:localhost');
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...by);
  ca = readFileSync(path.join(folder, 'ca.pem'), 'utf8');
  const account = await unprivilegedAccount();
  await ownFolder(folder, account);
  for (const name of ['server.key', 'server.pem']) {
    chmodSync(path.join(folder, name), 0o600);
    if (account !== null) chownSync(path.join(folder, name), account.uid, account.gid);
  }
  const settings = { ssl: 'on', ssl_cert_file: `${folder}/server.pem`, ssl_key_file: `${folder}/server.key` };
  server = await startPostgres({
    dir: `${folder}/server`,
    database: 'shop',
    user: 'owner',
    password,
    settings,
  });
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query(
    `CREATE TABLE things (id int PRIMARY KEY, label text);
    INSERT INTO things SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) n;
    CREATE ROLE careful LOGIN PASSWORD '${password}'; GRANT SELECT ON things TO careful`,
  );
  // The first rule that fits counts: this user comes by TLS or not at all.
  const rules = path.join(folder, 'server', 'data', 'pg_hba.conf');
  const before = readFileSync(rules, 'utf8');
  writeFileSync(rules, 'hostnossl all careful all reject\n');
  appendFileSync(rules, before);
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}, 30_000);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function access(changes: Partial<PostgresSettings>) {
  const base = { kind: 'postgres' as const, host: 'localhost', port: server.port, database: 'shop' };
  const settings: PostgresSettings = { ...base, user: 'careful', sslMode: 'verify-full', ca, ...changes };
  return { settings, credentials: { password } };
}

async function steps(changes: Partial<PostgresSettings>): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, status, code, message } of postgres.test(
    access(changes),
    makeTestContext(),
    never,
  ))
    found.push(`${name} ${status} ${code ?? message}`);
  return found;
}

/** How many rows are read over a connection, or the code of what went wrong. */
async function read(changes: Partial<PostgresSettings>): Promise<number | string> {
  try {
    const session = await postgres.connect(access(changes), makeTestContext(), never);
    try {
      await session.openSnapshot();
      const { columns } = await session.describe('public.things');
      const units = await session.planUnits('public.things', { targetBytes: 1e6 });
      return (await extractAll(session, units, columns)).tally.rows;
    } finally {
      await session.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

test('a certificate that fits is verified, the test says so, and tables are read over it', async () => {
  const found = await steps({});
  expect(found[2]).toMatch(/^tls passed Encrypted with TLSv1\.[23], certificate and name verified\.$/);
  expect(found.map((step) => step.split(' ')[1])).toEqual(Array.from({ length: 6 }, () => 'passed'));
  expect(await read({})).toBe(5000);
});

test.each([
  ['an authority that is not trusted', { ca: undefined }],
  ['an address that is not in the certificate', { host: '127.0.0.1' }],
])('%s is refused before a password is sent', async (_, changes) => {
  expect((await steps(changes))[2]).toMatch(/^tls failed tls-unverified/);
  expect(await read(changes)).toBe('tls-unverified');
});

test('what is not verified is encrypted all the same; without TLS this user is not let in', async () => {
  expect(await read({ sslMode: 'require', host: '127.0.0.1' })).toBe(5000);
  expect(await read({ sslMode: 'prefer', host: '127.0.0.1' })).toBe(5000);
  expect(await read({ sslMode: 'disable' })).toBe('sign-in-refused');
});
