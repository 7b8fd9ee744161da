import { createServer } from 'node:net';
import { once } from 'node:events';

const HOST = '127.0.0.1';

/**
 * Gives every name a loopback port: the one remembered for it where that is free now, else any free one.
 * Remembering keeps addresses (bookmarks, deployed endpoints) valid over a restart.
 * @returns a port for each of `names`, all different
 */
export async function choosePorts(
  names: readonly string[],
  remembered: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const held: { close(): void }[] = [];
  const ports: Record<string, number> = {};
  try {
    // All are held until each name has one, so that no two names get the same.
    for (const name of names) {
      const wanted = remembered[name];
      const { server, port } =
        (wanted === undefined ? null : await hold(wanted)) ?? (await hold(0)) ?? noPort();
      held.push(server);
      ports[name] = port;
    }
  } finally {
    for (const server of held) server.close();
  }
  return ports;
}

async function hold(port: number): Promise<{ server: { close(): void }; port: number } | null> {
  const server = createServer();
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
  } catch {
    return null;
  }
  const address = server.address();
  return address === null || typeof address === 'string' ? null : { server, port: address.port };
}

function noPort(): never {
  throw new Error('no free port on 127.0.0.1');
}
