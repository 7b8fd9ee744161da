/** Servers on free loopback ports that are not what a customer says of them. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { greeting } from './mysql-packets.ts';

export interface OddServer {
  readonly port: number;
  stop(): Promise<void>;
}

async function start(meet: (socket: Socket) => void): Promise<OddServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    meet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    // A TCP server's address is never a path.
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Takes connections and says nothing. */
export const startSilent = (): Promise<OddServer> => start((socket) => socket.resume());

/** Answers whatever it hears as a web server without TLS does. */
export const startStranger = (): Promise<OddServer> =>
  start((socket) => {
    // Servers that speak first are heard by those who wait for them.
    const answer = (): void => void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    socket.once('data', answer);
    setTimeout(answer, 100);
  });

/** A port of this machine at which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await startSilent();
  await server.stop();
  return server.port;
}

/** A certificate, and the key that belongs to it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'fixtures/tls', name), 'utf8');
const certificate = (name: string): Certificate => ({
  cert: fixture(`${name}.crt`),
  key: fixture(`${name}.key`),
});

/** Signed the certificates `fits`, `otherName` and `expired`; `localhost` has signed itself. */
export const AUTHORITY = fixture('authority.crt');
export const CERTIFICATES = {
  localhost: certificate('localhost'),
  fits: certificate('fits'),
  otherName: certificate('other-name'),
  expired: certificate('expired'),
};

/** Shakes hands as a PostgreSQL or MySQL server does, and proves itself with `proof`; nobody gets further. */
export const startTlsFront = (kind: 'postgres' | 'mysql', proof: Certificate): Promise<OddServer> =>
  start((socket) => {
    const secure = (): void => {
      new TLSSocket(socket, { isServer: true, ...proof }).on('error', () => undefined);
    };
    if (kind === 'mysql') socket.write(greeting(true));
    // The request for TLS is one packet; handshakes come after the answer to it, or after it.
    socket.once('data', (bytes: Buffer) => {
      socket.pause();
      if (kind === 'postgres') socket.write('S');
      // What follows the request for TLS is the handshake.
      else if (bytes.length > 36) socket.unshift(bytes.subarray(36));
      secure();
    });
  });

/** Lets everybody in as a PostgreSQL of `version`, without TLS. */
export const startOldPostgres = (version: string): Promise<OddServer> =>
  start((socket) => {
    socket.on('data', (bytes: Buffer) => {
      // SSLRequest has a version of its own.
      if (bytes.length === 8) return void socket.write('N');
      const message = (type: string, body: Buffer): Buffer => {
        const head = Buffer.from(`${type}\0\0\0\0`, 'latin1');
        head.writeUInt32BE(body.length + 4, 1);
        return Buffer.concat([head, body]);
      };
      const status = Buffer.from(`server_version\0${version}\0`);
      socket.write(
        Buffer.concat([message('R', Buffer.alloc(4)), message('S', status), message('Z', Buffer.from('I'))]),
      );
    });
  });
