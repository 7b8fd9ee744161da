/** A way to a server that lets so many bytes a second through to each connection, as a network or a busy server would. */
import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';

/** The way; clients connect to `port` on 127.0.0.1. */
export interface Throttle {
  readonly port: number;
  close(): Promise<void>;
}

/** What may come at once after a silence. */
const BURST_SECONDS = 0.05;

/** A way to `port` on 127.0.0.1 with `bytesPerSecond` towards each client. */
export async function openThrottle(port: number, bytesPerSecond: number): Promise<Throttle> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port, noDelay: true });
    client.setNoDelay(true);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let free = performance.now();
    upstream.on('data', (bytes) => {
      client.write(bytes);
      const now = performance.now();
      free = Math.max(free, now - BURST_SECONDS * 1000) + (bytes.length / bytesPerSecond) * 1000;
      if (free <= now) return;
      upstream.pause();
      setTimeout(() => upstream.resume(), free - now);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
