import { TransientError } from '#core/errors';

/** Waiting in a lane for more than these, or longer, is refused: whoever asked may have given up already. */
export interface Patience {
  readonly waiting: number;
  readonly milliseconds: number;
}
const PATIENCE: Patience = { waiting: 100, milliseconds: 10_000 };

/** Calls worked on at a time of whoever has calls to spare: a page asks a dozen things at once. */
const WIDE = 4;
/**
 * And of whoever is about to use up theirs: one after the other they are done no later, and between any two of them
 * everybody else finds the processor and the database free.
 */
const NARROW = 1;

/** Keeps callers who share a process apart: each is served in a lane of its own. */
export interface Lanes {
  /**
   * Waits for a place in the lane. @param spare whether the caller has calls to spare
   * @returns what gives the place up again, to be called once
   * @throws TransientError `too-many-at-once` where too many wait already, or it takes too long
   */
  enter(name: string, spare: boolean): Promise<() => void>;
}

interface Waiter {
  readonly width: number;
  readonly call: () => void;
}
interface Lane {
  busy: number;
  readonly waiting: Set<Waiter>;
}

/** Lanes for as long as somebody is in them: nothing is kept of those who left. */
export function makeLanes(patience: Patience = PATIENCE): Lanes {
  const lanes = new Map<string, Lane>();

  const leave = (name: string, lane: Lane): void => {
    lane.busy -= 1;
    // In the order of coming: who may not enter yet keeps those behind waiting as well.
    for (const next of lane.waiting) {
      if (lane.busy >= next.width) break;
      lane.busy += 1;
      next.call();
    }
    if (lane.busy === 0) lanes.delete(name);
  };
  const wait = (lane: Lane, width: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const call = () => {
        lane.waiting.delete(waiter);
        clearTimeout(timer);
        resolve();
      };
      const waiter = { width, call };
      const timer = setTimeout(() => {
        lane.waiting.delete(waiter);
        reject(refusal(`The calls before this one took more than ${patience.milliseconds / 1000} s.`));
      }, patience.milliseconds);
      lane.waiting.add(waiter);
    });

  return {
    async enter(name, spare) {
      const width = spare ? WIDE : NARROW;
      const lane = lanes.get(name) ?? { busy: 0, waiting: new Set() };
      lanes.set(name, lane);
      if (lane.busy < width && lane.waiting.size === 0) lane.busy += 1;
      else if (lane.waiting.size < patience.waiting) await wait(lane, width);
      else throw refusal(`More than ${patience.waiting} calls wait for those before them.`);
      return () => leave(name, lane);
    },
  };
}

function refusal(what: string): TransientError {
  return new TransientError('too-many-at-once', what, {
    remedy: 'Wait for answers before sending more.',
    details: { retryAfterSeconds: 1 },
  });
}
