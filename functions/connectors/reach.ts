import { connect, type Socket } from 'node:net';
import type { PinnedHost } from './hosts.ts';

const REACH_MS = 10_000;

/** A TCP connection to the checked address; rejects on refusal, time-out or abort. */
export function reach({ address, port }: PinnedHost, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, signal });
    socket.setTimeout(REACH_MS, () =>
      socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' })),
    );
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
}
