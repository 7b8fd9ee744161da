import { TerminalError } from '#core/errors';
import { kernelsOver, sharedMemory, type Kernels } from './wasm.ts';

/** Where a fit keeps what kernels work on: shared memory that is handed out from the bottom up and given back as a whole. */
export interface Arena {
  /** By this number jobs name it to the threads. */
  readonly id: number;
  /** The kernels over this arena on the calling thread. */
  readonly kernels: Kernels;
  /**
   * Zeros that all threads see, at a multiple of 64 bytes; `byteOffset` is their address for a kernel. (`buffer` reaches as
   * far as the arena did then, not to what is handed out later.) TerminalError `memory-exceeded` beyond 4 GiB in all.
   */
  floats(length: number): Float32Array<SharedArrayBuffer>;
  doubles(length: number): Float64Array<SharedArrayBuffer>;
  ints(length: number): Int32Array<SharedArrayBuffer>;
  /** `bytes` of its own for each thread. */
  perThread(bytes: number): Room;
}

/** Thread n's room begins at address `at + n · stride`. */
export interface Room {
  readonly at: number;
  readonly stride: number;
}

/** An arena with what its owner may do: begin again. */
export interface OwnedArena extends Arena {
  readonly memory: WebAssembly.Memory;
  /** All that was handed out is free again. */
  reset(): void;
}

const ALIGN = 64;
const PAGE = 65_536;
const MOST_BYTES = 65_536 * PAGE;

/** An empty arena for `threads` threads. */
export function makeArena(id: number, threads: number): OwnedArena {
  const memory = sharedMemory(PAGE);
  // Address 0 stays unused: a kernel may take it for "none".
  let top = ALIGN;
  /** Below it the memory may hold what an earlier owner left; above, it is as new: zero. */
  let used = ALIGN;
  const take = (bytes: number): number => {
    const at = top;
    const end = at + Math.ceil(bytes / ALIGN) * ALIGN;
    if (end > MOST_BYTES)
      throw new TerminalError(
        'memory-exceeded',
        `A fit wants ${Math.round(end / 2 ** 20)} MiB at once; WebAssembly's memory ends at 4,096 MiB.`,
        { remedy: 'Choose fewer factors, or leave out rare items by minInteractionsPerItem.' },
      );
    const missing = Math.ceil(end / PAGE) - memory.buffer.byteLength / PAGE;
    if (missing > 0) memory.grow(missing);
    if (at < used) new Uint8Array(memory.buffer, at, Math.min(end, used) - at).fill(0);
    top = end;
    used = Math.max(used, end);
    return at;
  };
  // The memory is made shared above, which its type does not say.
  const buffer = () => memory.buffer as unknown as SharedArrayBuffer;
  return {
    id,
    memory,
    get kernels() {
      return kernelsOver(memory);
    },
    floats: (length) => {
      const at = take(length * 4);
      return new Float32Array(buffer(), at, length);
    },
    doubles: (length) => {
      const at = take(length * 8);
      return new Float64Array(buffer(), at, length);
    },
    ints: (length) => {
      const at = take(length * 4);
      return new Int32Array(buffer(), at, length);
    },
    perThread: (bytes) => {
      const stride = Math.ceil(bytes / ALIGN) * ALIGN;
      return { at: take(stride * threads), stride };
    },
    reset: () => {
      top = ALIGN;
    },
  };
}
