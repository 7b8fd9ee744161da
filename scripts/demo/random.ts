/** What can be drawn: any value but undefined. */
type Drawn = object | string | number | boolean | null;

/** A seeded source of random values: the same name and seed give the same values on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Whole number in [low, high]. */
  int(low: number, high: number): number;
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  /** One of `values`, each equally likely. @throws RangeError when empty */
  pick<T extends Drawn>(values: readonly T[]): T;
  /** One of `entries`, by weight (>= 0, not all 0). @throws RangeError when empty */
  pickWeighted<T extends Drawn>(entries: readonly (readonly [value: T, weight: number])[]): T;
  /** `count` of `values` (all, when fewer), without repetition. */
  sample<T>(values: readonly T[], count: number): T[];
}

/**
 * The values named `name` under `seed`. Each part of the plan draws from its own name, so a change to one part leaves
 * the others as they were. sfc32 (Chris Doty-Humphrey, PractRand), seeded by FNV-1a.
 */
export function makeRandom(seed: number, name: string): Random {
  const next = sfc32(seed, name);
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const pick = <T extends Drawn>(values: readonly T[]): T => at(values, Math.floor(next() * values.length));
  return {
    next,
    int,
    pick,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    chance: (p) => next() < p,
    pickWeighted: (entries) => {
      let rest = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [value, weight] of entries) if ((rest -= weight) < 0) return value;
      return at(entries, entries.length - 1)[0];
    },
    sample: (values, count) => {
      const pool = [...values];
      const taken = [];
      while (taken.length < count && pool.length > 0) taken.push(...pool.splice(int(0, pool.length - 1), 1));
      return taken;
    },
  };
}

function at<T extends Drawn>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`nothing at ${index} of ${values.length}`);
  return value;
}

function sfc32(seed: number, name: string): () => number {
  let a = fnv1a(name, 0x811c9dc5);
  let b = fnv1a(name, seed >>> 0);
  let c = seed | 0;
  let counter = 1;
  const step = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 4_294_967_296;
  };
  for (let warm = 0; warm < 15; warm += 1) step();
  return step;
}

function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
