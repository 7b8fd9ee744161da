/** A set of dense ids as a bit each, 32 to a word; the words beyond the last id are zero. */
export type Bits = Uint32Array;

/** An empty set of ids below `size`. */
export function makeBits(size: number): Bits {
  return new Uint32Array((size + 31) >>> 5);
}

/** The set of the ids below `size` for which `holds` is true. */
export function bitsWhere(size: number, holds: (id: number) => boolean): Bits {
  const bits = makeBits(size);
  for (let id = 0; id < size; id++) if (holds(id)) addBit(bits, id);
  return bits;
}

/** The set of `ids`, all of them below `size`. */
export function bitsOf(ids: Iterable<number>, size: number): Bits {
  const bits = makeBits(size);
  for (const id of ids) addBit(bits, id);
  return bits;
}

export function addBit(bits: Bits, id: number): void {
  bits[id >>> 5]! |= 1 << (id & 31);
}

export function removeBit(bits: Bits, id: number): void {
  bits[id >>> 5]! &= ~(1 << (id & 31));
}

export function hasBit(bits: Bits, id: number): boolean {
  return ((bits[id >>> 5]! >>> (id & 31)) & 1) === 1;
}

/** Leaves in `bits` what `others` holds too. */
export function keepBits(bits: Bits, others: Bits): void {
  for (let word = 0; word < bits.length; word++) bits[word]! &= others[word]!;
}

/** Takes out of `bits` what `others` holds. */
export function dropBits(bits: Bits, others: Bits): void {
  for (let word = 0; word < bits.length; word++) bits[word]! &= ~others[word]!;
}

/** Adds to `bits` what `others` holds. */
export function joinBits(bits: Bits, others: Bits): void {
  for (let word = 0; word < bits.length; word++) bits[word]! |= others[word]!;
}
