/** What customers may name as a host, all the way down: the connector on the system's own resolver and network. */
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Connector, ConnectorContext } from '#connectors/connector';
import { type HostGuard, makeHostGuard, parseAllowedHosts, systemResolver } from '#connectors/hosts';
import { mysql } from '#connectors/mysql/mysql';
import { postgres } from '#connectors/postgres/postgres';
import type { SourceSettings } from '#core/source';
import { HOSTILE_HOSTS } from '#tests/hostile-hosts';

/** Listens wherever loopback is, at one port; every connection is counted and ended. */
const trap = { port: 0, met: 0, servers: [] as Server[] };
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
});
afterAll(() => {
  for (const server of trap.servers) server.close();
});
beforeEach(() => {
  trap.met = 0;
});

/** Every kind of source that is a server. */
const SERVERS = { postgres, mysql };
type ServerKind = keyof typeof SERVERS;
const kinds: readonly ServerKind[] = ['postgres', 'mysql'];

const settings = (kind: ServerKind, host: string): SourceSettings => ({
  kind,
  host,
  port: trap.port,
  database: 'erp',
  user: 'reader',
  sslMode: 'prefer',
});
const context = (hosts: HostGuard): ConnectorContext => ({
  hosts,
  objects: { stat: neverOpened, open: neverOpened, range: neverOpened, list: neverOpened },
  bigQuery: neverOpened,
  now: () => performance.now(),
});
function neverOpened(): never {
  throw new Error('no objects');
}

/** Connects as a run and tests as a person would; the codes of both refusals. */
async function tryHost(
  kind: ServerKind,
  host: string,
  guard: HostGuard,
  signal: AbortSignal,
): Promise<string[]> {
  const connector: Connector = SERVERS[kind];
  const access = { settings: settings(kind, host), credentials: { password: 'p' } };
  const codes: string[] = [];
  try {
    await (await connector.connect(access, context(guard), signal)).close();
  } catch (error) {
    codes.push(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
  for await (const step of connector.test(access, context(guard), signal))
    if (step.status === 'failed') codes.push(step.code ?? 'failed');
  return codes;
}

test.each(kinds)(
  'no hostile host is ever connected to by %s, by a run or by a connection test',
  async (kind) => {
    const guard = makeHostGuard([], systemResolver);
    const never = new AbortController().signal;
    const missed: string[] = [];
    for (const host of HOSTILE_HOSTS) {
      const codes = await tryHost(kind, host, guard, never);
      // Names of the corpus that only a hostile DNS would answer do not exist here.
      const refused =
        codes.length === 2 &&
        codes.every((code) => /^(host-refused|host-unknown|resolver-failed)$/.test(code));
      if (!refused) missed.push(`${JSON.stringify(host)}: ${codes.join(', ')}`);
    }
    expect(missed).toEqual([]);
    expect(trap.met).toBe(0);
  },
);

test.each(kinds)(
  'the trap would have noticed: what the operator allows is connected to by %s',
  async (kind) => {
    const guard = makeHostGuard(parseAllowedHosts('127.0.0.1'), systemResolver);
    await tryHost(kind, '127.0.0.1', guard, new AbortController().signal);
    expect(trap.met).toBeGreaterThan(0);
  },
);

test.each(kinds)(
  'a name that answers %s with a public address first and loopback afterwards leads to the one that was checked',
  async (kind) => {
    let asked = 0;
    const rebinding = makeHostGuard([], () =>
      Promise.resolve([asked++ === 0 ? '93.184.216.34' : '127.0.0.1']),
    );
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('long enough')), 300);
    const access = { settings: settings(kind, 'rebind.example.com'), credentials: null };
    await expect(SERVERS[kind].connect(access, context(rebinding), stop.signal)).rejects.toThrow(
      /long enough|93\.184|reach|answer|abort/i,
    );
    // It was asked once: what was checked is what is connected to.
    expect(asked).toBe(1);
    await expect(
      SERVERS[kind].connect(access, context(rebinding), new AbortController().signal),
    ).rejects.toMatchObject({
      code: 'host-refused',
    });
    expect(trap.met).toBe(0);
  },
);
