import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import type { Guardian } from '../guardian.ts';
import type { Images } from './images.ts';
import { invalid } from './rpc.ts';
import type { Container } from './journal.ts';

/** What a container is started with. */
export interface ContainerSpec {
  /** Path of an image; its last part names the deployable. */
  readonly image: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How a container ended: the exit code a shell would show (128 + signal where a signal did it), the signal or 0. */
export interface ContainerExit {
  readonly code: number;
  readonly signal: number;
}

/** A container that was started; a child process here. */
export interface RunningContainer {
  readonly pid: number;
  readonly exited: Promise<ContainerExit>;
  /** Asks it to end, kills it after the grace, and resolves when it is gone. */
  stop(graceMs: number): Promise<ContainerExit>;
}

/** Runs images as child processes. */
export interface ContainerHost {
  /** @throws Error when there is no such image, or it cannot be built. */
  start(spec: ContainerSpec, logFile: string): RunningContainer;
  /** Ends all, and lets none begin. */
  stopAll(graceMs: number): Promise<void>;
}

/**
 * Runs images as the platform does: `node index.js <args>` in the folder `cwd`. Their output is appended to the log file;
 * each is in its own process group, which the guardian ends if we die.
 */
export function openContainerHost(images: Images, cwd: string, guardian: Guardian): ContainerHost {
  const running = new Set<RunningContainer>();
  let closed = false;

  return {
    start(spec, logFile) {
      if (closed) throw new Error('the local cloud is stopping');
      const main = images.mainOf(spec.image);
      mkdirSync(dirname(logFile), { recursive: true });
      const log = openSync(logFile, 'a');
      const child = spawn(process.execPath, [main, ...spec.args], {
        cwd,
        // As deployed: a container is told everything of the installation but its key.
        env: { ...process.env, TRADEWIND_INSTALLATION_KEY: undefined, ...spec.env },
        detached: true,
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      const pid = child.pid ?? 0;
      if (pid > 0) guardian.watch(pid);
      const exited = new Promise<ContainerExit>((resolve) => {
        child.once('error', () => resolve({ code: 127, signal: 0 }));
        child.once('exit', (code, signal) => resolve(exitOf(code, signal)));
      }).then((exit) => {
        running.delete(container);
        if (pid > 0) {
          killGroup(pid);
          guardian.forget(pid);
        }
        return exit;
      });
      const container: RunningContainer = {
        pid,
        exited,
        async stop(graceMs) {
          child.kill('SIGTERM');
          const timer = setTimeout(() => killGroup(pid), graceMs);
          const exit = await exited;
          clearTimeout(timer);
          return exit;
        },
      };
      running.add(container);
      return container;
    },
    async stopAll(graceMs) {
      closed = true;
      await Promise.all([...running].map((container) => container.stop(graceMs)));
    },
  };
}

/**
 * The part of a container's definition that is run here.
 * @throws RpcError INVALID_ARGUMENT for what the local cloud does not do: another command, values from secrets.
 */
export function containerSpec(containers: readonly Container[] | null | undefined): ContainerSpec {
  const [container, ...others] = containers ?? [];
  if (container === undefined) throw invalid('template.containers: there must be one container.');
  if (others.length > 0)
    throw invalid(
      'template.containers: the local cloud runs one container, sidecars are not supported here.',
    );
  if ((container.command ?? []).length > 0)
    throw invalid(
      'containers[0].command: the local cloud runs the entry point of the image; pass args instead.',
    );
  return { image: container.image ?? '', args: container.args ?? [], env: environment(container.env) };
}

/** Names and values; @throws RpcError INVALID_ARGUMENT for a value that comes from a secret. */
export function environment(
  variables:
    readonly { name?: string | null; value?: string | null; valueSource?: unknown }[] | null | undefined,
): Record<string, string> {
  const pairs = (variables ?? []).map(({ name, value, valueSource }): [string, string] => {
    if (valueSource !== undefined && valueSource !== null)
      throw invalid(
        `env ${name ?? ''}: values from secrets are not supported by the local cloud; give the value.`,
      );
    return [name ?? '', value ?? ''];
  });
  return Object.fromEntries(pairs);
}

/** For people: how a container ended. */
export function describeExit({ code, signal }: ContainerExit): string {
  return signal === 0
    ? `The container exited with the code ${code}.`
    : `The container terminated on signal ${signal}.`;
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): ContainerExit {
  const number = signal === null ? 0 : constants.signals[signal];
  return { code: code ?? 128 + number, signal: number };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nothing left in the group
  }
}
