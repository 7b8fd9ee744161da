/**
 * A server that speaks TDS 7.4 on a free port of the loopback, as far as a client of SQL Server needs it: PRELOGIN, TLS
 * inside TDS, sign-in, batches and sp_executesql, cancelling. What it answers is up to `answer`.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Session, type SessionOptions } from './session.ts';

export interface TdsServer {
  readonly port: number;
  /** Sessions that are open at the moment. */
  readonly sessions: ReadonlySet<Session>;
  /** All sessions there have been. */
  readonly all: readonly Session[];
  stop(): Promise<void>;
}

export async function startTdsServer(options: SessionOptions): Promise<TdsServer> {
  const sessions = new Set<Session>();
  const all: Session[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const session = new Session(socket, options);
    sessions.add(session);
    all.push(session);
    socket.on('close', () => {
      sockets.delete(socket);
      sessions.delete(session);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sessions,
    all,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
