import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { TerminalError } from '#core/errors';

/** The demo wholesaler's database, running. */
export interface DemoDatabase {
  /** Address with the read-only login. */
  readonly readerUrl: string;
  readonly orderLines: number;
  stop(): Promise<void>;
}

/** Begins the demo database at the first `open`, once; what goes wrong is thrown to whoever awaits it. */
export interface DemoStarter {
  open(): Promise<DemoDatabase>;
  /** Ends it, where it was begun. */
  stop(): Promise<void>;
}

export function makeDemoStarter(start: () => Promise<DemoDatabase>): DemoStarter {
  let opened: Promise<DemoDatabase> | undefined;
  return {
    open() {
      opened ??= start();
      opened.catch(() => undefined); // told to those who await it; it may fail before anybody does
      return opened;
    },
    stop: async () =>
      opened?.then(
        (demo) => demo.stop(),
        () => undefined,
      ),
  };
}

const Ready = z.object({ readerUrl: z.string(), orderLines: z.number() });

/**
 * Starts the demo database from `dir` on `port`. The first time it is loaded, with a history that ends the day before
 * `today` (milliseconds since 1970); later it is as it was.
 * @throws TerminalError `demo-database`
 */
export async function startDemoDatabase(dir: string, port: number, today: number): Promise<DemoDatabase> {
  const main = fileURLToPath(new URL('../demo/main.ts', import.meta.url));
  const yesterday = new Date(today - 86_400_000).toISOString().slice(0, 10);
  const args = [main, '--dir', dir, '--port', String(port), '--last-day', yesterday];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // Ctrl-C is ours to pass on, after those who read from it have ended
  });
  child.stdin.on('error', () => undefined); // it ended first; `exit` says so
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('READY ')) return { ...Ready.parse(JSON.parse(line.slice('READY '.length))), stop };
  }
  await exited;
  throw new TerminalError('demo-database', `The demo database did not start. ${errors.trim()}`, {
    remedy: 'Start with --reset, or use your own orders with --orders FILE.csv.',
  });
}
