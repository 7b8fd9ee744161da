/** An SSH server that forwards, as a customer's bastion does; its names are its own. */
import { createHash } from 'node:crypto';
import { connect, createServer, type Server as TcpServer, type Socket } from 'node:net';
import ssh2, { type Connection, type ParsedKey } from 'ssh2';

const { Server, utils } = ssh2;

export interface Bastion {
  readonly port: number;
  /** As `ssh-keygen -l` prints it. */
  readonly hostKey: string;
  readonly password: string;
  /** A private key that is let in, in OpenSSH's form. */
  readonly privateKey: string;
  /** Tries of signing in so far, and connections made behind it. */
  readonly seen: { attempts: number; forwarded: number };
  /** Ends every connection. */
  cut(): void;
  stop(): Promise<void>;
}

/**
 * Starts a bastion on a free port of 127.0.0.1.
 * @param names where each name that it knows leads: a port of 127.0.0.1; null: it forwards nothing for anybody
 */
export async function startBastion(names: Readonly<Record<string, number>> | null): Promise<Bastion> {
  const host = utils.generateKeyPairSync('ed25519');
  const person = utils.generateKeyPairSync('ed25519');
  const allowed = parsed(person.public);
  const password = 'bastion secret';
  const seen = { attempts: 0, forwarded: 0 };
  const clients = new Set<Connection>();
  const sockets = new Set<Socket>();
  const server = new Server({ hostKeys: [host.private] }, (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client)).on('error', () => undefined);
    client.on('authentication', (asked) => {
      seen.attempts++;
      if (asked.method === 'password' && asked.password === password) return asked.accept();
      if (asked.method === 'publickey' && asked.key.data.equals(allowed.getPublicSSH())) {
        const { signature, blob } = asked;
        if (signature === undefined || blob === undefined) return asked.accept();
        if (allowed.verify(blob, signature, asked.hashAlgo)) return asked.accept();
      }
      return asked.reject(['password', 'publickey']);
    });
    if (names === null) return;
    client.on('tcpip', (accept, reject, { destIP }) => {
      const port = names[destIP];
      if (port === undefined) return reject();
      const socket = connect(port, '127.0.0.1');
      sockets.add(socket);
      socket.once('connect', () => {
        seen.forwarded++;
        const channel = accept();
        socket.pipe(channel).pipe(socket);
        channel.on('close', () => socket.destroy());
      });
      socket.on('error', () => reject());
    });
  });
  const listener = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const client of clients) client.end();
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: portOf(listener),
    hostKey: `SHA256:${createHash('sha256').update(parsed(host.public).getPublicSSH()).digest('base64').replace(/=+$/, '')}`,
    password,
    privateKey: person.private,
    seen,
    cut,
    stop: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        cut();
      }),
  };
}

function parsed(key: string): ParsedKey {
  const found = utils.parseKey(key);
  if (found instanceof Error) throw found;
  return found;
}

/** The port of a server that listens. */
export function portOf(server: TcpServer): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
