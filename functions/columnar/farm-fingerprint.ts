/** Fingerprints of values as GoogleSQL's FARM_FINGERPRINT answers them, many at once. */
import { type FarmKernel, farmOver } from './farm-kernel.ts';

/** The kernel's memory grows by this … */
const PAGE_BYTES = 65_536;
/** … and is given back where one long value has made it larger than this. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** One for all: an engine sets some gigabytes of addresses aside for each memory, however small. */
let held: { readonly memory: WebAssembly.Memory; readonly kernel: FarmKernel } | null = null;

function kernelWith(bytes: number): NonNullable<typeof held> {
  const size = held?.memory.buffer.byteLength ?? 0;
  if (held === null || (size > KEPT_BYTES && bytes <= KEPT_BYTES)) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    held = { memory, kernel: farmOver(memory) };
  }
  const more = bytes - held.memory.buffer.byteLength;
  if (more > 0) held.memory.grow(Math.ceil(more / PAGE_BYTES));
  return held;
}

/**
 * The fingerprints of the `count` values in `packed`, where they lie as in a plain page of Parquet: each after its length in
 * four bytes. For each its low and its high 32 bits, signed; valid until the next call. Some 15 ns a short value.
 */
export function fingerprints(packed: Uint8Array, count: number): Int32Array {
  if (count === 0) return new Int32Array(0);
  const out = (packed.length + 7) & ~7;
  const { memory, kernel } = kernelWith(out + count * 8);
  new Uint8Array(memory.buffer).set(packed);
  kernel(0, count, out);
  return new Int32Array(memory.buffer, out, count * 2);
}
