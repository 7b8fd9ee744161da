/*
 * Processes: whoever runs production code. Each has its own clock, may stand still, and may be gone at any call that
 * leaves it; then nothing of it runs any more, not even a `finally`. What it was waiting for never comes.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface Process {
  readonly id: number;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds that its clock is ahead of the true time. */
  readonly skew: number;
  /** The tenant it works for; null where it looks after all of them. */
  readonly tenant: string | null;
  state: 'running' | 'over' | 'gone';
  /** It stands still until then. */
  frozenUntil: number;
  /** The fence with which it last took each lease. */
  readonly fences: Map<string, number>;
}

/** How a process ended: `failed`: by an error; `gone`: killed. */
export type Ending = 'done' | 'failed' | 'gone';

export interface Spawn {
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly tenant?: string | null;
  /** Its main work. */
  readonly work: () => Promise<unknown>;
  readonly onEnd: (ending: Ending, result: unknown) => void;
}

export interface Processes {
  spawn(what: Spawn): Process;
  /** As SIGKILL does. Nothing where it has ended. */
  readonly kill: (process: Process) => void;
  /** The process that is running. @throws Error outside of any */
  readonly current: () => Process;
  /** Every process that runs, oldest first. */
  running(): readonly Process[];
  /**
   * A call that leaves the process: takes a while, and may go wrong in any way. `fail` makes the error of a service that
   * does not answer.
   */
  call<T>(what: string, effect: () => T, options: { fail: () => Error; reads?: boolean }): Promise<T>;
  /** `happen` as part of the present process, `milliseconds` from now. @returns what takes it back */
  readonly later: (milliseconds: number, happen: () => void) => () => void;
}

export function makeProcesses(
  { scheduler, random, faults }: { scheduler: Scheduler; random: Random; faults: Faults },
  trace: (line: () => string) => void,
): Processes {
  const inside = new AsyncLocalStorage<Process>();
  const alive = new Set<Process>();
  const enders = new Map<Process, Spawn['onEnd']>();
  let ids = 0;

  const end = (process: Process, ending: Ending, result: unknown) => {
    if (process.state !== 'running') return;
    process.state = ending === 'gone' ? 'gone' : 'over';
    alive.delete(process);
    trace(() => `${process.name}#${process.id} ${ending}${ending === 'failed' ? `: ${String(result)}` : ''}`);
    const onEnd = enders.get(process);
    enders.delete(process);
    // Outside of the process: what follows is not its doing.
    inside.exit(() => onEnd?.(ending, result));
  };
  const current = () => {
    const process = inside.getStore();
    if (process === undefined) throw new Error('no process is running');
    return process;
  };
  /** Does `happen` at `time`, or when the process goes on; never once it has ended. */
  const schedule = (process: Process, time: number, happen: () => void) =>
    scheduler.at(time, () => {
      if (process.state !== 'running') return;
      if (process.frozenUntil > scheduler.now()) schedule(process, process.frozenUntil, happen);
      else happen();
    });
  const freeze = (process: Process) => {
    process.frozenUntil = scheduler.now() + random.between(31_000, 150_000);
  };

  return {
    spawn({ name, env = {}, tenant = null, work, onEnd }) {
      const process: Process = {
        id: ++ids,
        name,
        env,
        skew: faults.skew(),
        tenant,
        state: 'running',
        frozenUntil: 0,
        fences: new Map(),
      };
      alive.add(process);
      enders.set(process, onEnd);
      trace(
        () => `${name}#${process.id} begins${process.skew === 0 ? '' : `, clock ${process.skew} ms off`}`,
      );
      inside.run(process, () => {
        work().then(
          (result) => end(process, 'done', result),
          (error: unknown) => end(process, 'failed', error),
        );
      });
      return process;
    },
    kill: (process) => end(process, 'gone', null),
    current,
    running: () => [...alive],
    call<T>(what: string, effect: () => T, { fail, reads = false }: { fail: () => Error; reads?: boolean }) {
      const process = current();
      return new Promise<T>((resolve, reject) => {
        if (process.state !== 'running') return;
        const fault = faults.ofCall(reads);
        const told = (how: string) => trace(() => `${process.name}#${process.id} ${what}: ${how}`);
        const perform = () => {
          if (fault === 'crash-before' || fault === 'error') {
            told(fault);
            if (fault === 'error') reject(fail());
            else end(process, 'gone', null);
            return;
          }
          let settle: () => void;
          try {
            const result = effect();
            settle = () => resolve(result);
          } catch (error) {
            settle = () => reject(error);
          }
          told(fault ?? 'done');
          if (fault === 'crash-after') end(process, 'gone', null);
          else if (fault === 'answer-lost') reject(fail());
          else if (fault === 'pause-after') {
            freeze(process);
            schedule(process, process.frozenUntil, settle);
          } else settle();
        };
        if (fault === 'pause-before') {
          told(fault);
          freeze(process);
        }
        schedule(process, scheduler.now() + random.between(1, 30), perform);
      });
    },
    later(milliseconds, happen) {
      const process = current();
      // With everything that belongs to the present call: its process and its trace.
      const run = AsyncLocalStorage.snapshot();
      let wanted = true;
      schedule(process, scheduler.now() + Math.max(1, milliseconds), () => {
        if (wanted) run(happen);
      });
      return () => {
        wanted = false;
      };
    },
  };
}
