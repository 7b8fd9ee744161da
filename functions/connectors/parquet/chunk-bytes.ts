/** The bytes of one column chunk, read from the object block by block as they are needed. */
import { FormatError } from './format-error.ts';
import type { ByteBudget } from './byte-budget.ts';

/** Reads `start` up to `end` of the file. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

/** See `makeChunkBytes`. */
export interface ChunkBytes {
  /** Bytes of the chunk that were not passed yet. */
  readonly left: number;
  /** The next bytes without passing them: `length` of them, or what is left where that is less. */
  peek(length: number): Promise<Uint8Array>;
  /** Passes the next `length` bytes, which must have been peeked. */
  pass(length: number): void;
  close(): void;
}

/** The bytes from `start` to `end` of a file, in blocks of `block` bytes or as many as are asked for at once. */
export function makeChunkBytes(
  read: ReadRange,
  start: number,
  end: number,
  block: number,
  budget: ByteBudget,
): ChunkBytes {
  let held: Uint8Array = new Uint8Array(0);
  let next = start;
  return {
    get left() {
      return held.length + end - next;
    },
    async peek(length) {
      if (length > held.length && next < end) {
        const stop = Math.min(end, next + Math.max(block, length - held.length));
        budget.take(stop - next);
        const fresh = await read(next, stop);
        if (fresh.length !== stop - next)
          throw new FormatError(`the storage sent ${fresh.length} bytes instead of ${stop - next}`);
        held = held.length === 0 ? fresh : Buffer.concat([held, fresh]);
        next = stop;
      }
      return held.subarray(0, length);
    },
    pass(length) {
      budget.give(length);
      held = held.subarray(length);
    },
    close() {
      budget.give(held.length);
      held = new Uint8Array(0);
      next = end;
    },
  };
}
