/** Below this a buffer is left to the collector. */
const LARGE = 1024 * 1024;

/**
 * Gives the memory of a large buffer back at once; nothing may read it any more, and views of it are empty. To the collector
 * a buffer is a few bytes, so it would leave many values of megabytes lying about.
 */
export function freeNow({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LARGE) buffer.transfer(0);
}
