/** A real PostgreSQL and a real copy of it that streams its log: how far the copy is behind, and what is read of it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { postgres } from '#connectors/postgres/postgres';
import type { SourceSession } from '#connectors/connector';
import { type RunningPostgres, startPostgres } from '#scripts/demo/postgres';
import { extractAll, makeTestContext } from '#tests/connectors';
import { eventually } from '#tests/eventually';

const ACCOUNT = { database: 'shop', user: 'owner', password: 'owner secret' };
let folder: string;
const running: RunningPostgres[] = [];
const clients: Client[] = [];

async function start(name: string, settings: Readonly<Record<string, string>> = {}) {
  const log = { wal_level: 'replica', max_wal_senders: '3' };
  const dir = path.join(folder, name);
  const server = await startPostgres({ ...ACCOUNT, dir, settings: { ...log, ...settings } });
  running.push(server);
  return server;
}

async function connected({ url }: RunningPostgres): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  clients.push(client);
  return client;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tradewind-replica-'));
});
afterAll(async () => {
  for (const client of clients) await client.end().catch(() => undefined);
  for (const server of running.reverse()) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open({ port }: RunningPostgres): Promise<SourceSession> {
  const { database, user, password } = ACCOUNT;
  const place = { kind: 'postgres' as const, host: '127.0.0.1', port, database, user };
  const access = { settings: { ...place, sslMode: 'disable' as const }, credentials: { password } };
  return postgres.connect(access, makeTestContext(), AbortSignal.timeout(30_000));
}

test('a copy that stands still is further behind each second, in the middle of its snapshot too; one that has all is not', async () => {
  const first = await start('primary');
  await first.stop();
  await promisify(execFile)('cp', ['-a', path.join(folder, 'primary'), path.join(folder, 'copy')]);
  await writeFile(path.join(folder, 'copy', 'data', 'standby.signal'), '');
  const primary = await start('primary');
  const origin = `host=127.0.0.1 port=${primary.port} user=owner password='owner secret'`;
  const copy = await start('copy', { primary_conninfo: origin });
  const writer = await connected(primary);
  const reader = await connected(copy);
  await writer.query('CREATE TABLE orders AS SELECT 1 AS id');

  const there = await open(primary);
  expect(await there.replicaLag?.()).toBeNull();
  expect(await there.connectionsAllowed?.()).toBeNull();
  await there.close();
  await eventually('the table is there, too', async () =>
    Boolean((await reader.query("SELECT to_regclass('public.orders') AS place")).rows[0]?.place),
  );

  const session = await open(copy);
  try {
    expect(await session.replicaLag?.()).toBe(0);
    await reader.query('SELECT pg_wal_replay_pause()');
    await writer.query('INSERT INTO orders VALUES (2)');
    await session.openSnapshot();
    await eventually('it is behind', async () => Number(await session.replicaLag?.()) > 0.5);
    // The question has left the snapshot as it was.
    const { columns } = await session.describe('public.orders');
    const units = await session.planUnits('public.orders', { targetBytes: 1e9 });
    expect((await extractAll(session, units, columns)).tally.rows).toBe(1);
    await reader.query('SELECT pg_wal_replay_resume()');
    await eventually('it has caught up', async () => (await session.replicaLag?.()) === 0);
  } finally {
    await session.close();
  }
});

test('a user whose connections the server counts is told of', async () => {
  const primary = running[1];
  if (primary === undefined) throw new Error('no server');
  const owner = await connected(primary);
  await owner.query("CREATE ROLE few LOGIN PASSWORD 'owner secret' CONNECTION LIMIT 3");
  const { database, password } = ACCOUNT;
  const place = { kind: 'postgres' as const, host: '127.0.0.1', port: primary.port, database, user: 'few' };
  const access = { settings: { ...place, sslMode: 'disable' as const }, credentials: { password } };
  const session = await postgres.connect(access, makeTestContext(), AbortSignal.timeout(30_000));
  expect(await session.connectionsAllowed?.()).toBe(3);
  await session.close();
});
