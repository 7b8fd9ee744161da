/**
 * What the machine itself makes of the benchmark's requests: an HTTP server without anything behind it, that keeps its
 * processor busy for as long as it is told and answers. Who serves with as much work cannot be more punctual than this.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onCore } from './cores.ts';

/** A running bare server. */
export interface BareServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts one in a process of its own on the processor `core` (any where null) that works `milliseconds` for each answer. */
export async function startBareServer(milliseconds: number, core: number | null): Promise<BareServer> {
  const program = ['--disable-warning=ExperimentalWarning', import.meta.filename, String(milliseconds)];
  const [command, parameters] = onCore(core, [process.execPath, ...program]);
  const child: ChildProcess = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout!, 'data')) as [Buffer];
  return {
    url: `http://127.0.0.1:${Number(said.toString())}`,
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function serve(milliseconds: number): void {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      const until = performance.now() + milliseconds;
      while (performance.now() < until);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
}

if (import.meta.main) serve(Number(process.argv[2]));
