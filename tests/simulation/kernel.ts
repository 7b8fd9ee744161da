import { makeFaults, type Faults } from './faults.ts';
import { makeProcesses, type Processes } from './processes.ts';
import { makeRandom, type Random } from './random.ts';
import { makeScheduler, type Scheduler } from './scheduler.ts';

/** An error class of the production code, as the simulated clouds throw it. */
type ErrorOf = new (code: string, message: string) => Error;

/** The production code's own errors: code that is told apart by `instanceof` must get the very classes. */
export interface Errors {
  readonly TransientError: ErrorOf;
  readonly TerminalError: ErrorOf;
  readonly ConflictError: ErrorOf;
}

/** What everything in a world stands on. */
export interface Kernel {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly processes: Processes;
  readonly errors: Errors;
  /** Tells what happens, where somebody wants to read it. */
  readonly trace: (line: () => string) => void;
  /** An invariant did not hold. */
  readonly violated: (invariant: string, detail: string) => void;
  readonly violations: readonly Violation[];
}

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
  /** Seconds since the world began. */
  readonly at: number;
}

/** When every world begins. */
const BEGINNING = Date.parse('2026-03-02T08:00:00.000Z');

/** The kernel of the world that follows from `seed`. `told` gets a line for everything that happens. */
export function makeKernel(seed: number, errors: Errors, told?: (line: string) => void): Kernel {
  const random = makeRandom(seed);
  const scheduler = makeScheduler(BEGINNING);
  const faults = makeFaults(random);
  const violations: Violation[] = [];
  const seconds = () => (scheduler.now() - BEGINNING) / 1000;
  const trace = (line: () => string) => told?.(`${seconds().toFixed(3).padStart(9)}  ${line()}`);
  return {
    scheduler,
    random,
    faults,
    errors,
    trace,
    violations,
    processes: makeProcesses({ scheduler, random, faults }, trace),
    violated(invariant, detail) {
      violations.push({ invariant, detail, at: seconds() });
      trace(() => `VIOLATED ${invariant}: ${detail}`);
    },
  };
}

/** A Google client's error: `code` is gRPC's. */
export function codedError(code: number, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** gRPC's codes as the simulated services answer them. */
export const GRPC = { invalid: 3, notFound: 5, alreadyExists: 6, aborted: 10, unavailable: 14 } as const;
