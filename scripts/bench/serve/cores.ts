import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';

/** Linux's own tool to keep a process on some processors (util-linux). */
const TASKSET = 'taskset';

/** A processor that a process can have for itself: the last one; null where there is but one, or no way to keep others off. */
export function spareCore(): number | null {
  if (availableParallelism() < 2) return null;
  try {
    execFileSync(TASKSET, ['--version'], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return cpus().length - 1;
}

/** The command and parameters by which `program` with its parameters runs on `core` alone; on any where null. */
export function onCore(
  core: number | null,
  [program, ...parameters]: [string, ...string[]],
): [string, string[]] {
  return core === null ? [program, parameters] : [TASKSET, ['-c', String(core), program, ...parameters]];
}

/** Keeps this process, and all it starts from now on, off `core`. */
export function keepOff(core: number): void {
  execFileSync(TASKSET, ['-apc', core === 1 ? '0' : `0-${core - 1}`, String(process.pid)], {
    stdio: 'ignore',
  });
}
