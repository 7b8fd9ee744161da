export interface Took {
  /** By the clock. */
  readonly seconds: number;
  /** Of all processors together: hardly depends on what else the machine does. */
  readonly cpu: number;
}

/** How long `work` takes. */
export async function timed(work: () => Promise<unknown> | void): Promise<Took> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 };
}

/** The quickest of `rounds`. */
export async function bestOf(rounds: number, work: () => Promise<unknown> | void): Promise<Took> {
  let best = await timed(work);
  for (let round = 1; round < rounds; round++) {
    const next = await timed(work);
    best = {
      seconds: Math.min(best.seconds, next.seconds),
      cpu: Math.min(best.cpu, next.cpu),
    };
  }
  return best;
}
