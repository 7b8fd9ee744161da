/** LZ4 blocks without a frame. Source: lz4/doc/lz4_Block_format.md. */
import { FormatError } from './format-error.ts';

/** The `length` bytes of the block `input`. @throws FormatError where it reaches outside of what there is */
export function unpackLz4(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let at = 0;
  let end = 0;
  const runLength = (start: number): number => {
    if (start < 15) return start;
    let total = start;
    for (let byte = 255; byte === 255; total += byte) {
      byte = input[at++] ?? -1;
      if (byte < 0) throw new FormatError('an LZ4 block ends in its middle');
    }
    return total;
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = runLength(token >> 4);
    if (at + literals > input.length || end + literals > length)
      throw new FormatError('an LZ4 block is longer than it says');
    output.set(input.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    // The last sequence has literals only.
    if (at === input.length) break;
    const offset = input[at]! | ((input[at + 1] ?? 0) << 8);
    at += 2;
    const match = runLength(token & 15) + 4;
    if (offset === 0 || offset > end || end + match > length)
      throw new FormatError('an LZ4 block points outside of itself');
    for (let stop = end + match; end < stop; end++) output[end] = output[end - offset]!;
  }
  return output.subarray(0, end);
}
