import { createServer, connect as connectTcp, type Server, type Socket } from 'node:net';
import { makeTableWriter } from '#columnar/table-writer';
import type { SourceAccess } from '#connectors/connector';
import { openClient, placeOf, closeClient, type PostgresSettings } from '#connectors/postgres/connection';
import { postgres } from '#connectors/postgres/postgres';
import { makePostgresSession } from '#connectors/postgres/session';
import { startBastion } from '#tests/bastion';
import { makeTestContext } from '#tests/connectors';
import { makeMemorySink } from '#tests/parquet';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';

/** A server behind a network that can stop carrying anything, without closing a connection. */
let server: TestPostgres;
let network: Server;
let port = 0;
let stalled = false;
const sockets = new Set<Socket>();

beforeAll(async () => {
  server = await startTestPostgres();
  await server.sql(
    `CREATE TABLE things AS SELECT n AS id, repeat('x', 200) AS label FROM generate_series(1, 200000) n`,
  );
  await server.sql('ANALYZE things');
  network = createServer((near) => {
    const far = connectTcp(server.port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (!stalled) to.write(bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => network.listen(0, '127.0.0.1', resolve));
  const address = network.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => network.close(resolve));
  await server.stop();
});
beforeEach(() => {
  stalled = false;
});

const settings = (): PostgresSettings => ({
  kind: 'postgres',
  host: '127.0.0.1',
  port,
  database: 'shop',
  user: 'owner',
  sslMode: 'disable',
});
const credentials = { password: 'owner secret' };
const access = () => ({ settings: settings(), credentials });

test('a server that goes silent fails a question of the catalogue, and closing does not wait for it', async () => {
  const never = new AbortController().signal;
  const client = await openClient(
    settings(),
    credentials,
    { host: '127.0.0.1', address: '127.0.0.1', family: 4 as const, port },
    never,
    200,
  );
  const session = makePostgresSession(client, placeOf(settings()), never);
  stalled = true;
  await expect(session.listTables()).rejects.toMatchObject({
    name: 'TransientError',
    code: 'source-silent',
    message: expect.stringContaining(`127.0.0.1:${port}`),
    remedy: expect.any(String),
  });
  await session.close();
});

test('an abort reaches a question that hangs, with its reason', async () => {
  const controller = new AbortController();
  const session = await postgres.connect(access(), makeTestContext(), controller.signal);
  stalled = true;
  const asked = session.describe('public.things');
  const reason = new Error('nobody waits any longer');
  setTimeout(() => controller.abort(reason), 50);
  await expect(asked).rejects.toBe(reason);
  await session.close();
});

test('an abort reaches a connection test that hangs', async () => {
  const controller = new AbortController();
  const reason = new Error('nobody waits any longer');
  const names: string[] = [];
  const testing = async () => {
    for await (const { name } of postgres.test(access(), makeTestContext(), controller.signal)) {
      names.push(name);
      if (name === 'tls') {
        stalled = true;
        setTimeout(() => controller.abort(reason), 50);
      }
    }
  };
  await expect(testing()).rejects.toBe(reason);
  expect(names).toEqual(['resolve', 'reach', 'tls']);
});

test('an abort reaches a COPY that hangs', async () => {
  const controller = new AbortController();
  const session = await postgres.connect(access(), makeTestContext(), controller.signal);
  await session.openSnapshot();
  const { columns } = await session.describe('public.things');
  const [unit] = await session.planUnits('public.things', { targetBytes: 1e12 });
  const reason = new Error('nobody waits any longer');
  const writer = makeTableWriter(columns, makeMemorySink());
  const request = {
    unit: unit!,
    columns,
    writer,
    reject: () => undefined,
    signal: new AbortController().signal,
  };
  const reading = session.extract(request);
  setTimeout(() => {
    stalled = true;
    controller.abort(reason);
  }, 20);
  await expect(reading).rejects.toBe(reason);
  await session.close();
});

test('a client that is closed does not hold its signal', async () => {
  const controller = new AbortController();
  const pinned = { host: '127.0.0.1', address: '127.0.0.1', family: 4 as const, port };
  const client = await openClient(settings(), credentials, pinned, controller.signal);
  await closeClient(client);
  expect(() => controller.abort()).not.toThrow();
});

test('through a bastion the database is tested, read and left like any other; nobody else gets there', async () => {
  const bastion = await startBastion({ 'db.internal': server.port });
  const tunnel = {
    host: '127.0.0.1',
    port: bastion.port,
    user: 'tradewind',
    hostKey: bastion.hostKey,
  };
  const settings = {
    kind: 'postgres' as const,
    host: 'db.internal',
    port: 5432,
    database: 'shop',
    user: 'owner',
    sslMode: 'prefer' as const,
    tunnel,
  };
  const access = {
    settings,
    credentials: { password: 'owner secret', ssh: { privateKey: bastion.privateKey } },
  };
  const context = makeTestContext();
  const { signal } = new AbortController();
  const told = async (given: SourceAccess) => {
    const steps: string[] = [];
    for await (const { name, status, code } of postgres.test(given, context, signal))
      steps.push(`${name} ${code ?? status}`);
    return steps;
  };
  expect(await told(access)).toEqual([
    'resolve passed',
    'reach passed',
    'tunnel passed',
    'tls skipped',
    'sign-in passed',
    'permissions passed',
    'read passed',
  ]);
  const unconfirmed = { ...settings, tunnel: { ...tunnel, hostKey: null } };
  expect((await told({ ...access, settings: unconfirmed })).slice(2, 4)).toEqual([
    'tunnel host-key-unconfirmed',
    'tls skipped',
  ]);

  const session = await postgres.connect({ ...access, settings }, context, signal);
  expect((await session.listTables()).map(({ name }) => name)).toContain('public.things');
  await session.close();
  // The name is one of the bastion's network alone.
  const direct = { ...settings, tunnel: undefined };
  await expect(postgres.connect({ ...access, settings: direct }, context, signal)).rejects.toMatchObject({
    code: expect.stringMatching(/^(host-unknown|resolver-failed)$/),
  });
  await bastion.stop();
});
