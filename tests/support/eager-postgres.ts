/** A server that pretends to be PostgreSQL just long enough to be told a password, and remembers it. */
import { createServer, type Socket } from 'node:net';

export interface EagerPostgres {
  readonly port: number;
  /** Passwords it was sent, in order. */
  readonly heard: string[];
  stop(): Promise<void>;
}

const AUTHENTICATION_CLEARTEXT = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
const FIELDS = Buffer.from('SFATAL\0C28P01\0Mpassword authentication failed\0\0', 'latin1');
const REFUSED = Buffer.concat([Buffer.from([0x45, 0, 0, 0, FIELDS.length + 4]), FIELDS]);

/** Starts one on a free port of this machine. */
export async function startEagerPostgres(): Promise<EagerPostgres> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let asked = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      if (!asked) {
        asked = true;
        socket.write(AUTHENTICATION_CLEARTEXT);
        return;
      }
      // 'p', length, the password and a zero.
      if (chunk[0] === 0x70) heard.push(chunk.subarray(5, chunk.length - 1).toString('utf8'));
      socket.end(REFUSED);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    heard,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
