/* node:timers/promises in simulated time. */
const wait = (milliseconds: number, value?: unknown, options: { signal?: AbortSignal } = {}) =>
  simulation.pause(milliseconds, options.signal).then(() => value);
const turn = (value?: unknown) => simulation.pause(0).then(() => value);

export { turn as setImmediate, wait as setTimeout };
