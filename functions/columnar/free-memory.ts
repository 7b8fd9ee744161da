import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Below this a buffer is left to the collector: giving it back costs more than it holds. */
const LARGE = 16 * 1024;

/**
 * Gives the memory of a buffer back at once; nothing may read it any more, and views of it are empty. To the collector a
 * buffer is a few bytes, so it would leave many of them lying about.
 */
export function freeNow({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LARGE) buffer.transfer(0);
}

/** What the heap may grow by before the collector looks through all of it, in bytes. */
const GROWTH = 48 * 1024 * 1024;

/**
 * For a process whose work is streams of buffers, at its start. The collector would look through the whole heap whenever
 * 24 MB were allocated, in it or outside of it, a fifth of the time of reading a table, although nearly all garbage of a
 * stream is young or given back by `freeNow`; this lets the heap of the start grow by 48 MB instead, and a larger one by as
 * many percent. The space for what is young stays as large as it is, for nothing of a stream lives longer in a larger one:
 * 32 MB. Node's documentation warns of flags that are set after the start; the collector reads these whenever it sets its
 * limits.
 */
export function collectLessOften(): void {
  const percent = Math.max(20, Math.round((GROWTH / getHeapStatistics().used_heap_size) * 100));
  setFlagsFromString(`--heap-growing-percent=${percent}`);
  setFlagsFromString('--semi-space-growth-factor=1');
}
