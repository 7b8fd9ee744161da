/** A stream of numbers in [0, 1). */
export type Random = () => number;

/** A small seeded generator (mulberry32, public domain, Tommy Ettinger): the same seed gives the same stream everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `values` in an order drawn by `random`, one number of it for each. */
export function shuffled<T>(values: Iterable<T>, random: Random): T[] {
  return Array.from(values, (value) => ({ value, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

/** A normally distributed number, mean 0, deviation 1 (Box–Muller). */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
