/** Random choices that follow from a seed (mulberry32). */
export interface Dice {
  /** A number from 0 to below 1. */
  readonly next: () => number;
  /** A whole number from `from` to `to`, both possible. */
  readonly whole: (from: number, to: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(of: readonly T[]) => T;
}

export function makeDice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    chance: (share) => next() < share,
    pick: <T>(of: readonly T[]): T => {
      const one = of[Math.floor(next() * of.length)];
      if (one === undefined) throw new RangeError('nothing to pick from');
      return one;
    },
  };
}
