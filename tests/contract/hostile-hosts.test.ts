/**
 * What customers may name as a host, at every place that takes one, all the way down to the network: databases, SSH tunnels,
 * files, redirects, webhooks, and where a SQL Server sends its session on.
 */
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Connector, ConnectorContext, SourceAccess } from '#connectors/connector';
import { csv } from '#connectors/csv/csv';
import { makeHttpsObjects } from '#connectors/files/https-objects';
import { type HostGuard, makeHostGuard, parseAllowedHosts, systemResolver } from '#connectors/hosts';
import { mysql } from '#connectors/mysql/mysql';
import { parquet } from '#connectors/parquet/parquet';
import { postgres } from '#connectors/postgres/postgres';
import { sqlserver } from '#connectors/sqlserver/sqlserver';
import { WebhookUrl } from '#core/alert';
import { toFailure } from '#core/errors';
import { redactText } from '#core/redact';
import type { SourceSettings } from '#core/source';
import { HOSTILE_HOSTS } from '#tests/hostile-hosts';
import { startWebFiles, type WebFiles } from '#tests/https-files';
import { startTestSqlServer, type TestSqlServer } from '#tests/sqlserver';
import { postWebhook } from '../../functions/alerts/webhook.ts';
import { routing } from '../support/tds-server/tokens.ts';

/** Listens wherever loopback is, at one port; every connection is counted and ended. */
const trap = { port: 0, met: 0, servers: [] as Server[] };
/** A server that customers may use, and that sends on to the host under test. */
let web: WebFiles;
let sender: TestSqlServer;
let sentOnTo = '';
beforeAll(async () => {
  const listen = async (host: string, port: number) => {
    const server = createServer((socket) => {
      trap.met += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
    trap.servers.push(server);
    // A TCP server's address is never a path.
    return (server.address() as AddressInfo).port;
  };
  trap.port = await listen('0.0.0.0', 0);
  // A machine without IPv6 cannot be reached by it either.
  await listen('::1', trap.port).catch(() => undefined);
  web = await startWebFiles();
  sender = await startTestSqlServer({ greeting: () => routing(sentOnTo, trap.port) });
});
afterAll(async () => {
  for (const server of trap.servers) server.close();
  await web.close();
  await sender.stop();
});
beforeEach(() => {
  trap.met = 0;
});

const never = new AbortController().signal;
const context = (hosts: HostGuard): ConnectorContext => ({
  hosts,
  objects: { stat: neverOpened, open: neverOpened, range: neverOpened, list: neverOpened },
  bigQuery: neverOpened,
  cloudSql: neverOpened,
  now: () => performance.now(),
});
function neverOpened(): never {
  throw new Error('no objects');
}

/** What was said of a host. */
interface Said {
  readonly code: string;
  readonly text: string;
  readonly remedy: string | null;
}
const saidOf = (error: unknown): Said => {
  const { code, message, remedy } = toFailure(error);
  return { code, text: message, remedy };
};

/** Connects as a run and tests as a person would: what both say. */
async function tryConnector(
  connector: Connector,
  access: SourceAccess,
  guard: HostGuard,
  signal = never,
): Promise<Said[]> {
  const said: Said[] = [];
  try {
    const session = await connector.connect(access, context(guard), signal);
    // Files are asked for when they are looked for.
    try {
      await session.openSnapshot();
    } finally {
      await session.close();
    }
  } catch (error) {
    said.push(saidOf(error));
  }
  for await (const step of connector.test(access, context(guard), signal))
    if (step.status === 'failed')
      said.push({ code: step.code ?? 'failed', text: step.message, remedy: step.remedy });
  return said;
}

const server = { database: 'erp', user: 'reader', sslMode: 'prefer' } as const;
const settingsOf = {
  postgres: (host: string): SourceSettings => ({ kind: 'postgres', ...server, host, port: trap.port }),
  mysql: (host: string): SourceSettings => ({ kind: 'mysql', ...server, host, port: trap.port }),
  sqlserver: (host: string): SourceSettings => ({
    kind: 'sqlserver', ...server, host, port: trap.port, readOnlyIntent: false,
  }),
}; // prettier-ignore
const tunnelTo = (host: string) => ({
  host,
  port: trap.port,
  user: 'me',
  hostKey: `SHA256:${'A'.repeat(43)}`,
});
const password = { password: 'p' };
const addressOf = (host: string): string =>
  `https://${/^[^[]*:.*:/.test(host) ? `[${host}]` : host}:${trap.port}/orders.csv`;

/** Places where customers name a host; each answers what it says of one. */
type Place = (host: string, guard: HostGuard, signal?: AbortSignal) => Promise<Said[]>;
const places: Readonly<Record<string, Place>> = {
  PostgreSQL: (host, guard, signal) =>
    tryConnector(postgres, { settings: settingsOf.postgres(host), credentials: password }, guard, signal),
  MySQL: (host, guard, signal) =>
    tryConnector(mysql, { settings: settingsOf.mysql(host), credentials: password }, guard, signal),
  'SQL Server': (host, guard, signal) =>
    tryConnector(sqlserver, { settings: settingsOf.sqlserver(host), credentials: password }, guard, signal),
  'an SSH tunnel to PostgreSQL': (host, guard, signal) => tryTunnel(postgres, 'postgres', host, guard, signal),
  'an SSH tunnel to MySQL': (host, guard, signal) => tryTunnel(mysql, 'mysql', host, guard, signal),
  'an SSH tunnel to SQL Server': (host, guard, signal) => tryTunnel(sqlserver, 'sqlserver', host, guard, signal),
  'a CSV file': (host, guard, signal) => {
    const settings: SourceSettings = { kind: 'csv', uris: [addressOf(host)], encoding: 'utf-8' };
    return tryConnector(csv, { settings, credentials: null }, guard, signal);
  },
  'a Parquet file': (host, guard, signal) => {
    const settings: SourceSettings = { kind: 'parquet', uris: [addressOf(host)] };
    return tryConnector(parquet, { settings, credentials: null }, guard, signal);
  },
  'a webhook': async (host, guard) => {
    const url = WebhookUrl.safeParse(addressOf(host));
    if (!url.success)
      return [{ code: 'contract', text: addressOf(host), remedy: url.error.issues[0]?.message ?? null }];
    return [await postWebhook({ hosts: guard, limitMs: 500 }, url.data, {}, '{}').then(() => saidOf('called'), saidOf)];
  },
}; // prettier-ignore

function tryTunnel(
  connector: Connector,
  kind: keyof typeof settingsOf,
  host: string,
  guard: HostGuard,
  signal = never,
): Promise<Said[]> {
  const settings = { ...settingsOf[kind]('db.internal'), tunnel: tunnelTo(host) } as SourceSettings; // of a server
  const credentials = { ...password, ssh: { password: 's' } };
  return tryConnector(connector, { settings, credentials }, guard, signal);
}

/** Each name is looked up once, by the machine's own resolver: a name server that is not there is waited for once. */
const found = new Map<string, ReturnType<typeof systemResolver>>();
const onceResolved: typeof systemResolver = (host) => {
  const known = found.get(host) ?? systemResolver(host);
  found.set(host, known);
  return known;
};
const guard = makeHostGuard([], onceResolved);

/** Refused before the network, in words: the value and what to do. Names that only a hostile DNS would answer are unknown. */
const REFUSED = /^(host-refused|host-unknown|resolver-failed|uri-invalid|redirect-refused|contract)$/;
function complaint(host: string, said: readonly Said[], times: number): string[] {
  const right =
    said.length === times && said.every(({ code, remedy }) => REFUSED.test(code) && remedy !== null);
  // As given, as an address's own parser writes it, or with numbers in place of characters that cannot be seen.
  const canonical = URL.parse(addressOf(host))?.hostname.replace(/^\[|\]$/g, '') ?? host;
  const named = said.every(({ text }) =>
    [host, canonical, JSON.stringify(host).slice(1, 90), redactText(host)].some((value) => text.toLowerCase().includes(value.toLowerCase())),
  ); // prettier-ignore
  return right && named ? [] : [`${JSON.stringify(host)}: ${JSON.stringify(said)}`];
}

test.each(Object.entries(places))('no hostile host is ever connected to by %s', async (place, tried) => {
  const missed: string[] = [];
  for (const host of HOSTILE_HOSTS)
    missed.push(...complaint(host, await tried(host, guard), place === 'a webhook' ? 1 : 2));
  expect(missed).toEqual([]);
  expect(trap.met).toBe(0);
});

test('no redirect of a web server leads to a hostile host', async () => {
  const hosts = makeHostGuard(parseAllowedHosts(`127.0.0.1:${web.port}`), onceResolved);
  const objects = makeHttpsObjects(hosts, { ca: web.ca });
  const missed: string[] = [];
  // What else there is cannot be written into a header.
  const sendable = HOSTILE_HOSTS.filter((host) => /^[\t\x20-\x7e]*$/.test(host));
  expect(sendable.length).toBeGreaterThan(180);
  for (const host of sendable) {
    web.files.set('/from', { bytes: new Uint8Array(0), status: 302, location: addressOf(host) });
    const failed = await objects
      .stat(`https://localhost:${web.port}/from`)
      .then(() => saidOf('found'), saidOf);
    if (!REFUSED.test(failed.code) || failed.remedy === null)
      missed.push(`${JSON.stringify(host)}: ${JSON.stringify(failed)}`);
  }
  expect(missed).toEqual([]);
  expect(trap.met).toBe(0);
});

test('no SQL Server sends a session on to a hostile host', async () => {
  const hosts = makeHostGuard(parseAllowedHosts(`127.0.0.1:${sender.port}`), onceResolved);
  const missed: string[] = [];
  // An instance's name after a backslash is none of the host's.
  for (const host of HOSTILE_HOSTS.filter((each) => each !== '' && !each.startsWith('\\'))) {
    sentOnTo = host;
    const failed = await sqlserver.connect(sender.access(), context(hosts), never).then(() => saidOf('open'), saidOf);
    missed.push(...complaint(host, [failed], 1));
  }
  expect(missed).toEqual([]);
  expect(trap.met).toBe(0);
}); // prettier-ignore

test.each(Object.entries(places))(
  'the trap would have noticed: what the operator allows is connected to by %s',
  async (_, tried) => {
    await tried('127.0.0.1', makeHostGuard(parseAllowedHosts('127.0.0.1'), systemResolver));
    expect(trap.met).toBeGreaterThan(0);
  },
);

test.each(Object.entries(places))(
  'a name that answers %s with a public address first and loopback afterwards leads to the one that was checked',
  async (_, tried) => {
    let asked = 0;
    const rebinding = makeHostGuard([], () =>
      Promise.resolve([asked++ === 0 ? '93.184.216.34' : '127.0.0.1']),
    );
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('long enough')), 200);
    await tried('rebind.example.com', rebinding, stop.signal).catch(() => undefined);
    await tried('rebind.example.com', rebinding).catch(() => undefined);
    expect(asked).toBeGreaterThan(1);
    // It was asked before each connection, and what was checked is what was connected to.
    expect(trap.met).toBe(0);
  },
);
