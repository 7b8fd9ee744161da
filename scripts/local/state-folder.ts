import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { TerminalError } from '#core/errors';

/** Marks a folder as ours: only a folder that has it is ever cleared. */
const MARKER = 'cloud.json';
const LOCK = 'cloud.lock';

const Remembered = z.object({
  ports: z.record(z.string(), z.number().int().min(1).max(65535)),
  installationKey: z.string(),
});
const Lock = z.object({ pid: z.number().int(), guardian: z.number().int() });

/** What the local cloud keeps between two starts besides the pieces' own data. */
export type Remembered = z.infer<typeof Remembered>;

/**
 * Makes `folder` ready for one cloud: created where missing, emptied on `reset`, and locked against a second cloud.
 * A cloud that was killed a moment ago is waited for, until the last of its children is gone.
 * @throws TerminalError `state-in-use` when another cloud runs on the folder, `state-not-ours` when it holds files but was
 * not made by a local cloud: a later reset would delete them
 */
export async function openStateFolder(folder: string, reset: boolean, guardianPid: number): Promise<void> {
  const path = resolve(folder);
  mkdirSync(path, { recursive: true });
  const entries = readdirSync(path);
  if (entries.length > 0 && !entries.includes(MARKER))
    throw new TerminalError(
      'state-not-ours',
      `${path} holds files but no ${MARKER}: no local cloud made it.`,
      {
        remedy: 'Name an empty folder, or one that a local cloud made, with --state.',
      },
    );
  await waitForFormerOwner(path);
  if (reset) for (const entry of entries) rmSync(join(path, entry), { recursive: true, force: true });
  writeRemembered(path, readRemembered(path)); // the marker, before anything else is there
  takeLock(path, guardianPid);
  mkdirSync(join(path, 'logs'), { recursive: true });
}

/** Lets the next cloud in. */
export function closeStateFolder(folder: string): void {
  rmSync(join(folder, LOCK), { force: true });
}

/** What the last start left, or fresh values (a new installation key, no ports) on the first. */
export function readRemembered(folder: string): Remembered {
  const fresh = { ports: {}, installationKey: randomBytes(32).toString('base64') };
  const file = join(folder, MARKER);
  if (!existsSync(file)) return fresh;
  const parsed = Remembered.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new TerminalError('state-unreadable', `${file} is not what a local cloud writes there.`, {
    remedy: 'Start with --reset to begin with empty state, or name another folder with --state.',
    cause: parsed.error,
  });
}

/** Keeps `remembered` for the next start; readable by the owner alone, for it holds the installation key. */
export function writeRemembered(folder: string, remembered: Remembered): void {
  replaceFile(join(folder, MARKER), JSON.stringify(remembered, null, 2));
}

/** Writes a whole file or nothing: a kill in between leaves the former content. */
export function replaceFile(file: string, content: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}

function takeLock(folder: string, guardianPid: number): void {
  const file = join(folder, LOCK);
  rmSync(file, { force: true }); // nobody holds it any more
  try {
    writeFileSync(file, JSON.stringify({ pid: process.pid, guardian: guardianPid }), { flag: 'wx' });
  } catch (cause) {
    throw new TerminalError('state-in-use', `Another local cloud has just been started on ${folder}.`, {
      remedy: 'Stop it, or name another folder with --state.',
      cause,
    });
  }
}

async function waitForFormerOwner(folder: string): Promise<void> {
  const file = join(folder, LOCK);
  for (let waited = 0; existsSync(file); waited += 50) {
    const lock = readLock(file);
    if (lock === null || (!isAlive(lock.pid) && !isAlive(lock.guardian))) return;
    if (isAlive(lock.pid) || waited > 20_000)
      throw new TerminalError('state-in-use', `Process ${lock.pid} runs a local cloud on ${folder}.`, {
        remedy: 'Stop it, or name another folder with --state.',
      });
    await sleep(50);
  }
}

function readLock(file: string): z.infer<typeof Lock> | null {
  try {
    return Lock.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null; // half written by a cloud that was killed: nobody holds it
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !isZombieOrReused(pid);
}

/** On Linux a number may belong to a dead process nobody reaped, or by now to something that is no cloud of ours. */
function isZombieOrReused(pid: number): boolean {
  try {
    const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return state === 'Z' || !/node|tradewind-guardian|jest/.test(command);
  } catch {
    return false;
  }
}
