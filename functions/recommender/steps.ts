import { setImmediate } from 'node:timers/promises';

/** Long work that pauses wherever something else may be done in between; what it comes to does not depend on the pauses. */
export type Steps<T> = Generator<void, T, void>;

/** Milliseconds of work after which others get their turn. */
const TURN_MS = 4;

/** Does the work a few milliseconds at a time, letting the event loop breathe. An abort ends it with the signal's reason. */
export async function takeTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const until = performance.now() + TURN_MS;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < until);
    await setImmediate();
  }
}

/** Does the work at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
