import type { Thread } from './kernel.ts';
import { kernelsOver } from './wasm.ts';

/** Thread number `index`, which finds its arenas by `memoryOf`. */
export function makeThread(index: number, memoryOf: (arena: number) => WebAssembly.Memory): Thread {
  return {
    index,
    kernels: (arena) => kernelsOver(memoryOf(arena)),
    own: (room) => room.at + index * room.stride,
  };
}
