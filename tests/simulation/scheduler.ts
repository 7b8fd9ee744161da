/** Time as the simulation has it: a queue of what happens when. Nothing here waits for the real clock. */
export interface Scheduler {
  /** Milliseconds since 1970, the true time that no process sees. */
  readonly now: () => number;
  /** What happens at the same moment happens in the order in which it was scheduled. */
  at(time: number, happen: () => void): void;
  /**
   * Lets one thing happen after the other, each with everything that follows from it at once (every promise that is
   * settled by it), until `done` or nothing is left. @returns how many happened
   */
  run(done: () => boolean): Promise<number>;
}

interface Entry {
  readonly time: number;
  readonly order: number;
  readonly happen: () => void;
}

/** Steps that one turn of Node's loop takes. */
const BATCH = 200;

/** A scheduler whose time begins at `start`. */
export function makeScheduler(start: number): Scheduler {
  const heap: Entry[] = [];
  let now = start;
  let order = 0;
  const before = (one: Entry, other: Entry) =>
    one.time < other.time || (one.time === other.time && one.order < other.order);

  const push = (entry: Entry) => {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !before(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  };
  const pop = (): Entry | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      const smaller = other !== undefined && one !== undefined && before(other, one) ? left + 1 : left;
      const child = heap[smaller];
      if (child === undefined || !before(child, last)) break;
      heap[at] = child;
      at = smaller;
    }
    heap[at] = last;
    return first;
  };

  return {
    now: () => now,
    at(time, happen) {
      push({ time: Math.max(time, now), order: order++, happen });
    },
    run: (done) =>
      new Promise((resolve, reject) => {
        let steps = 0;
        let ended = false;
        const step = () => {
          if (ended) return;
          try {
            const entry = done() ? undefined : pop();
            if (entry === undefined) {
              ended = true;
              resolve(steps);
              return;
            }
            now = entry.time;
            entry.happen();
            steps++;
          } catch (error) {
            ended = true;
            reject(error);
          }
        };
        // Node goes through every settled promise between one immediate and the next.
        const batch = () => {
          for (let n = 0; n < BATCH; n++) setImmediate(step);
          setImmediate(() => {
            if (!ended) batch();
          });
        };
        batch();
      }),
  };
}
