import { createHmac } from 'node:crypto';
import type { Process } from './processes.ts';

/** What of the world a process sees without calling anybody. */
export interface Surroundings {
  readonly now: () => number;
  readonly process: () => Process;
  readonly later: (milliseconds: number, happen: () => void) => () => void;
  readonly fetch: (url: string) => Promise<unknown>;
}

/** What every process of the installation is configured with. */
const CONFIGURATION: Readonly<Record<string, string>> = {
  GOOGLE_CLOUD_PROJECT: 'simulated',
  TRADEWIND_BUCKET: 'bucket',
  TRADEWIND_IMAGES: 'images',
  TRADEWIND_INSTALLATION_KEY: Buffer.alloc(32, 7).toString('base64'),
};

/** The globals that production code gets instead of Node's: time and environment of the process that runs. */
export function surroundings(world: () => Surroundings): Readonly<Record<string, unknown>> {
  const clock = () => Math.floor(world().now() + world().process().skew);
  class SimulatedDate extends Date {
    constructor(...args: [] | [value: number | string]) {
      if (args.length === 0) super(clock());
      else super(args[0]);
    }
    static override now = clock;
  }
  const timer = (stop: () => void) => ({ stop, unref: () => undefined });
  const setTimer = (happen: () => void, milliseconds: number) => timer(world().later(milliseconds, happen));
  const setRepeating = (happen: () => void, milliseconds: number) => {
    let stopped = false;
    let stop: () => void;
    const next = () => {
      stop = world().later(milliseconds, () => {
        happen();
        if (!stopped) next();
      });
    };
    next();
    return timer(() => {
      stopped = true;
      stop();
    });
  };
  const clear = (one: ReturnType<typeof timer> | undefined) => one?.stop();
  return {
    Date: SimulatedDate,
    setTimeout: setTimer,
    setInterval: setRepeating,
    clearTimeout: clear,
    clearInterval: clear,
    performance: { now: () => world().now() },
    fetch: (url: string) => world().fetch(url),
    process: {
      get env() {
        return { ...CONFIGURATION, ...world().process().env };
      },
      stdout: { write: () => true },
      emitWarning: () => undefined,
    },
    // Nothing that is simulated takes longer than a request may.
    AbortSignal: {
      any: (signals: AbortSignal[]) => AbortSignal.any(signals),
      timeout: () => new AbortController().signal,
    },
    // Node's own answers from another thread, at a moment that no seed decides.
    crypto: {
      subtle: {
        importKey: async (_: string, key: Uint8Array) => key,
        sign: async (_: string, key: Uint8Array, data: Uint8Array) =>
          createHmac('sha256', key).update(data).digest(),
      },
    },
  };
}
