/** Random numbers that follow from a seed alone: the same seed, the same world. */
export interface Random {
  /** A number from 0 up to, not including, 1. */
  next(): number;
  /** An integer from 0 up to, not including, `n`. */
  below(n: number): number;
  /** A number between the two. */
  readonly between: (low: number, high: number) => number;
  readonly chance: (share: number) => boolean;
  pick<T>(list: readonly [T, ...T[]]): T;
  readonly bytes: (n: number) => Uint8Array;
}

/** sfc32 (Doty-Humphrey, PractRand), seeded through splitmix32 so that neighbouring seeds have nothing in common. */
export function makeRandom(seed: number): Random {
  let mixed = seed | 0;
  const split = () => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let z = mixed ^ (mixed >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let [a, b, c, count] = [split(), split(), split(), 1];
  const word = () => {
    const sum = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let turn = 0; turn < 12; turn++) word();
  const random: Random = {
    next: () => word() / 2 ** 32,
    below: (n) => Math.floor(random.next() * n),
    between: (low, high) => low + random.next() * (high - low),
    chance: (share) => random.next() < share,
    pick: (list) => list[random.below(list.length)] ?? list[0],
    bytes: (n) => Uint8Array.from({ length: n }, () => word() & 255),
  };
  return random;
}
