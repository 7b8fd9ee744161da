/* node:timers/promises in simulated time. */
const wait = (milliseconds: number, value?: unknown, options: { signal?: AbortSignal } = {}) =>
  simulation.pause(milliseconds, options.signal).then(() => value);

export { wait as setTimeout };
