import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '#core/errors';
import { choosePorts } from '../ports.ts';
import { describeExit } from './containers.ts';
import type { ContainerExit, ContainerHost, ContainerSpec, RunningContainer } from './containers.ts';

/** How a revision shows that it is up. */
export interface Probe {
  /** Path of an HTTP GET that must answer 2xx or 3xx; null: that the port takes connections is enough. */
  readonly httpPath: string | null;
  readonly timeoutMs: number;
}

/** What an instance of a revision runs. */
export interface InstanceSpec {
  readonly container: ContainerSpec;
  readonly probe: Probe;
  readonly logFile: string;
}

/** One instance of a revision, kept running until stopped. */
export interface Instance {
  /** The port of the ready process; null while there is none. */
  port(): number | null;
  /** The port of a process that is or becomes ready. @throws Error when none does in `timeoutMs`. */
  ready(timeoutMs: number): Promise<number>;
  stop(): Promise<void>;
}

const GRACE_MS = 10_000;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Starts an instance and resolves when it is ready for the first time; from then on it is started again whenever it ends.
 * @throws Error saying how it ended or that it did not listen, when the first start fails
 */
export async function startInstance(spec: InstanceSpec, containers: ContainerHost): Promise<Instance> {
  let stopped = false;
  let current = await launch(spec, containers);
  let port: number | null = null;
  try {
    port = await becomeReady(spec, current);
  } catch (error) {
    await current.container.stop(GRACE_MS);
    throw error;
  }

  const keepRunning = async (): Promise<void> => {
    for (let pauseMs = 100; ;) {
      await current.container.exited;
      port = null;
      if (stopped) return;
      await sleep(pauseMs);
      if (stopped) return;
      try {
        current = await launch(spec, containers);
        port = await becomeReady(spec, current);
        pauseMs = 100;
      } catch (thrown) {
        console.error(`${spec.container.image}: ${toError(thrown).message}`);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  };
  const kept = keepRunning();

  const instance: Instance = {
    port: () => port,
    async ready(timeoutMs) {
      const until = Date.now() + timeoutMs;
      for (;;) {
        const now = instance.port();
        if (now !== null) return now;
        if (stopped || Date.now() >= until) throw new Error('The instance is not ready.');
        await sleep(25);
      }
    },
    async stop() {
      stopped = true;
      await current.container.stop(GRACE_MS);
      await kept;
      await current.container.stop(GRACE_MS); // begun meanwhile
    },
  };
  return instance;
}

interface Launched {
  readonly container: RunningContainer;
  readonly port: number;
}

async function launch({ container, logFile }: InstanceSpec, containers: ContainerHost): Promise<Launched> {
  const port = (await choosePorts(['instance'], {}))['instance'] ?? 0;
  const env = { ...container.env, PORT: String(port) };
  return { container: containers.start({ ...container, env }, logFile), port };
}

async function becomeReady({ probe, logFile }: InstanceSpec, { container, port }: Launched): Promise<number> {
  const seen: { exit: ContainerExit | null } = { exit: null };
  void container.exited.then((exit) => (seen.exit = exit));
  const until = Date.now() + probe.timeoutMs;
  while (!(await answers(port, probe.httpPath))) {
    if (seen.exit !== null)
      throw new Error(
        `${describeExit(seen.exit)} It had not begun to listen on the port defined by PORT=${port}. Its log: ${logFile}`,
      );
    if (Date.now() > until) {
      await container.stop(0);
      throw new Error(
        `The container failed to start and listen on the port defined by PORT=${port} within ${probe.timeoutMs / 1000} s. Its log: ${logFile}`,
      );
    }
    await sleep(25);
  }
  return port;
}

async function answers(port: number, httpPath: string | null): Promise<boolean> {
  if (httpPath === null) return accepts(port);
  try {
    const response = await fetch(`http://127.0.0.1:${port}${httpPath}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(5_000),
    });
    await response.arrayBuffer();
    return response.status < 400;
  } catch {
    return false;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
