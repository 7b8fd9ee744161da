import { connect, type Socket } from 'node:net';
import type { PinnedHost } from './hosts.ts';

const REACH_MS = 10_000;

/**
 * A TCP connection to the checked address; rejects on refusal, time-out or abort. One over which nothing comes for `ms` is
 * ended, too.
 */
export function reach(
  { address, port }: PinnedHost,
  signal: AbortSignal,
  ms: number = REACH_MS,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, signal });
    socket.setTimeout(ms, () =>
      socket.destroy(
        socket.connecting
          ? Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' })
          : new Error(`it sent nothing for ${ms / 1000} seconds`),
      ),
    );
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
}
