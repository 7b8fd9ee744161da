import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, createWriteStream, openSync, readFileSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { once } from 'node:events';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { TerminalError, toError } from '#core/errors';
import type { Guardian } from './guardian.ts';

/** One process of the local cloud. */
export interface Piece {
  /** What people call it: `firestore`, `pubsub`, `auth`, … */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Standard output and error go here, appended. */
  readonly logFile: string;
  /** How it says that it is up: a line `READY {json}` on standard output, or by answering at an address. */
  readonly ready: 'announced' | { readonly url: string };
  /** Done after each start, the first and every restart, before the piece counts as ready. */
  readonly afterReady?: (announced: Readonly<Record<string, unknown>>) => Promise<void>;
  /** How it is asked to end: by a signal, or by closing its standard input. */
  readonly endBy: 'SIGTERM' | 'stdin';
  /** Milliseconds from asking to killing. */
  readonly graceMs: number;
}

/** What happened to a piece; `detail` is for people. */
export interface PieceEvent {
  readonly piece: string;
  readonly state: 'ready' | 'crashed' | 'restarted';
  readonly detail: string;
}

/** A piece that is kept running. */
export interface Supervised {
  readonly name: string;
  /** The process now behind the piece; another one after a restart. */
  pid(): number;
  /** Ends the piece and resolves when its process is gone. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A piece that ran this long before it died is not in a loop of crashes. */
const STEADY_MS = 10_000;

/**
 * Starts a piece, resolves when it is ready, and from then on starts it again whenever it ends by itself
 * (after 0.1 s; after twice as long each time, up to 5 s, while it keeps dying soon).
 * @throws TerminalError `piece-failed` naming the piece, its log and its last lines, when it cannot be started at all.
 */
export async function supervise(
  piece: Piece,
  guardian: Guardian,
  onEvent: (event: PieceEvent) => void,
): Promise<Supervised> {
  let stopping = false;
  let current = launch(piece, guardian);

  const keepRunning = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    let since = performance.now();
    let reason: string | null = null;
    for (;;) {
      const died = await current.exited;
      if (stopping) return;
      onEvent({ piece: piece.name, state: 'crashed', detail: `${reason ?? died}; log: ${piece.logFile}` });
      reason = null;
      pauseMs =
        performance.now() - since > STEADY_MS ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await sleep(pauseMs);
      if (stopping) return;
      since = performance.now();
      current = launch(piece, guardian);
      try {
        await becomeReady(piece, current);
        onEvent({ piece: piece.name, state: 'restarted', detail: `process ${current.child.pid}` });
      } catch (thrown) {
        reason = toError(thrown).message;
        current.child.kill('SIGKILL');
      }
    }
  };

  try {
    await becomeReady(piece, current);
  } catch (thrown) {
    stopping = true;
    await end(current, 'SIGTERM', 500);
    throw thrown;
  }
  const kept = keepRunning();
  return {
    name: piece.name,
    pid: () => current.child.pid ?? 0,
    async stop() {
      stopping = true;
      await end(current, piece.endBy, piece.graceMs);
      await kept;
    },
  };
}

interface Launched {
  readonly child: ChildProcess;
  /** How it ended, for people: `exit code 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>;
  readonly announced: Promise<Record<string, unknown>>;
}

function launch(piece: Piece, guardian: Guardian): Launched {
  const announces = piece.ready === 'announced';
  const log = openSync(piece.logFile, 'a');
  const child = spawn(piece.command, piece.args, {
    env: { ...piece.env },
    detached: true,
    stdio: ['pipe', announces ? 'pipe' : log, log],
  });
  closeSync(log);
  child.stdin?.on('error', () => undefined); // closed by a piece that does not read it
  const pid = child.pid;
  if (pid !== undefined) guardian.watch(pid);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }).then((how) => {
    if (pid !== undefined) {
      killGroup(pid); // what it started and left behind
      guardian.forget(pid);
    }
    return how;
  });
  return {
    child,
    exited,
    announced: announces ? readAnnouncement(child, piece.logFile) : Promise.resolve({}),
  };
}

/** The JSON of the READY line; every other line goes to the log. */
function readAnnouncement(child: ChildProcess, logFile: string): Promise<Record<string, unknown>> {
  const { stdout } = child;
  if (stdout === null) return Promise.resolve({});
  const log: WriteStream = createWriteStream(logFile, { flags: 'a' });
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: stdout });
    lines.on('line', (line) => {
      log.write(`${line}\n`);
      if (!line.startsWith('READY')) return;
      try {
        resolve(parseAnnouncement(line.slice('READY'.length)));
      } catch (error) {
        reject(toError(error));
      }
    });
    lines.on('close', () => log.end());
  });
}

function parseAnnouncement(text: string): Record<string, unknown> {
  const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
  // A JSON object by our own protocol; its fields are checked where they are used.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

async function becomeReady(piece: Piece, launched: Launched): Promise<void> {
  const stop = new AbortController();
  const ended = launched.exited.then((how) => failed(piece, `ended while starting (${how})`));
  const late = sleep(START_TIMEOUT_MS, undefined, { signal: stop.signal }).then(() =>
    failed(piece, `was not ready after ${START_TIMEOUT_MS / 1000} s`),
  );
  late.catch(() => undefined); // aborted below
  const up = piece.ready === 'announced' ? launched.announced : answersAt(piece.ready.url, stop.signal);
  try {
    const announced = await Promise.race([up, ended, late]);
    await piece.afterReady?.(announced);
  } finally {
    stop.abort();
    ended.catch(() => undefined); // an end after this is keepRunning's business
  }
}

async function answersAt(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  while (!signal.aborted) {
    try {
      const response = await fetch(url, { signal });
      await response.arrayBuffer();
      return {};
    } catch {
      await sleep(25);
    }
  }
  return {};
}

function failed(piece: Piece, what: string): never {
  const tail = lastLines(piece.logFile, 12);
  throw new TerminalError(
    'piece-failed',
    `${piece.name} ${what}.${tail === '' ? '' : ` Its last lines:\n${tail}`}`,
    { remedy: `Read ${piece.logFile}; then start again.` },
  );
}

function lastLines(file: string, count: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return `(${basename(file)} cannot be read)`;
  }
}

async function end({ child, exited }: Launched, by: Piece['endBy'], graceMs: number): Promise<void> {
  if (child.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    if (by === 'stdin') child.stdin?.end();
    else child.kill('SIGTERM');
    const { pid } = child;
    const timer = setTimeout(() => killGroup(pid), graceMs);
    await once(child, 'exit');
    clearTimeout(timer);
  }
  await exited;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // the group is empty: nothing was left behind
  }
}
