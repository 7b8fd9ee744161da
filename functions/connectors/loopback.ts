import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PinnedHost } from './hosts.ts';

/** Where to connect to for what lies behind it: mostly a port of this machine. */
export interface Loopback {
  readonly pinned: PinnedHost;
  /** Never throws; may be called again. */
  close(): void;
}

/**
 * Listens on this machine for what is to be reached as `host`: each connection gets what `next` opens, and both end together.
 */
export async function openLoopback(host: string, next: () => Promise<Duplex>): Promise<Loopback> {
  const sockets = new Set<Socket>();
  const join = async (socket: Socket): Promise<void> => {
    const far = await next();
    far.on('error', () => socket.destroy());
    socket.once('close', () => far.destroy());
    socket.pipe(far).pipe(socket);
    // What it said last may still be on its way; only then is the near end to hear that there is no more.
    far.once('close', () => (far.readableEnded ? socket.resume() : socket.destroy()));
    if (socket.destroyed) far.destroy();
    if (far.destroyed) socket.destroy();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
    void join(socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    pinned: { host, address: '127.0.0.1', family: 4, port },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
