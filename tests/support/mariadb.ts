/**
 * A real MariaDB server for tests and benchmarks, from Debian's package: in a folder of its own, on a free port of the
 * loopback, gone afterwards. It is started behind a shell that holds our pipe: when we close it, or die in any way, the shell
 * reads the end of file and shuts the server down.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';

/** A running server with an empty database `shop`; user `owner`, who may do everything, password `owner secret`. */
export interface TestMariadb {
  readonly port: number;
  /** The socket file, for its own command line client. */
  readonly socket: string;
  /** Runs statements as the owner; the rows of the last one that has any. */
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** A connection of its own; close it. */
  client(): Promise<Connection>;
  stop(): Promise<void>;
}

/** Runs "$@" and, at the end of standard input, shuts it down. */
const GUARD =
  'exec 3<&0; "$@" 3<&- & server=$!; (cat <&3 >/dev/null; kill -TERM $server) & wait $server; code=$?; kill $! 2>/dev/null; exit $code';

/** Data need not survive a power cut, and nobody is named. */
const SETTINGS = [
  '--bind-address=127.0.0.1',
  '--skip-name-resolve',
  '--skip-log-bin',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  '--innodb-buffer-pool-size=256M',
  '--innodb-stats-auto-recalc=1',
  // What a failed test has left open fails the next one, and holds nobody up.
  '--lock-wait-timeout=15',
  '--max-allowed-packet=128M',
  '--character-set-server=utf8mb4',
];

const SETUP = `CREATE DATABASE shop;
CREATE USER owner@'%' IDENTIFIED BY 'owner secret';
GRANT ALL ON *.* TO owner@'%' WITH GRANT OPTION;
`;

/** Starts one; `settings` are further options of `mariadbd`. @throws Error with the end of its log */
export async function startTestMariadb(settings: readonly string[] = []): Promise<TestMariadb> {
  const dir = await mkdtemp(path.join(tmpdir(), 'tradewind-mariadb-'));
  const data = path.join(dir, 'data');
  const account = process.getuid?.() === 0 ? ['--user=root'] : [];
  const install = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal'];
  const installed = await launch(dir, 'mariadb-install-db', [...install, '--skip-test-db', ...account]);
  const code = await new Promise<number | null>((resolve) => installed.once('exit', resolve));
  if (code !== 0) throw await startError(dir, `mariadb-install-db ended with code ${code}`);
  const setup = path.join(dir, 'setup.sql');
  await writeFile(setup, SETUP);
  const port = await freePort();
  const socket = path.join(dir, 'socket');
  const places = [`--datadir=${data}`, `--socket=${socket}`, `--port=${port}`, `--pid-file=${dir}/pid`];
  const options = ['--no-defaults', ...places, `--init-file=${setup}`, ...SETTINGS, ...settings, ...account];
  const server = await launch(dir, '/bin/sh', ['-c', GUARD, 'sh', 'mariadbd', ...options]);
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const client = (): Promise<Connection> =>
    createConnection({
      host: '127.0.0.1',
      port,
      user: 'owner',
      password: 'owner secret',
      database: 'shop',
      multipleStatements: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
    });
  const main = await ready(dir, server, client);
  return {
    port,
    socket,
    client,
    async sql(text) {
      const [answer] = await main.query(text);
      const results = Array.isArray(answer) ? answer : [];
      const last = results.findLast((each) => Array.isArray(each)) ?? results;
      // Rows of a query are objects by column.
      return (Array.isArray(last) ? last : []) as Record<string, unknown>[];
    },
    async stop() {
      await main.end().catch(() => undefined);
      server.stdin?.end();
      await exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function launch(dir: string, file: string, args: readonly string[]): Promise<ChildProcess> {
  const log = await open(path.join(dir, 'log'), 'a');
  try {
    return await new Promise<ChildProcess>((resolve, reject) => {
      // A server that starts clears its folder of temporary tables, whoever's they are: each has its own.
      const env = { ...process.env, TMPDIR: dir };
      const child = spawn(file, args, { cwd: dir, detached: true, env, stdio: ['pipe', log.fd, log.fd] });
      child.once('spawn', () => resolve(child)).once('error', reject);
      child.stdin?.on('error', () => undefined);
    });
  } finally {
    await log.close();
  }
}

async function ready(
  dir: string,
  server: ChildProcess,
  client: () => Promise<Connection>,
): Promise<Connection> {
  for (const until = Date.now() + 60_000; ; await sleep(50)) {
    if (server.exitCode !== null || server.signalCode !== null)
      throw await startError(dir, 'MariaDB ended while starting');
    try {
      return await client();
    } catch {
      if (Date.now() > until) throw await startError(dir, 'MariaDB does not answer');
    }
  }
}

async function startError(dir: string, what: string): Promise<Error> {
  const log = await readFile(path.join(dir, 'log'), 'utf8');
  await rm(dir, { recursive: true, force: true });
  return new Error(`${what}:\n${log.split('\n').slice(-15).join('\n')}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
