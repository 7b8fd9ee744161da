import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { once } from 'node:events';

const HOST = '127.0.0.1';

/**
 * Where new ports are taken from: below the range from which systems take those of outgoing connections (32768 and up on
 * Linux, 49152 and up elsewhere), so that none of those sits on a port between two starts, or just before its server does.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const TRIES = 100;

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
      const { server, port } = (wanted === undefined ? null : await hold(wanted)) ?? (await holdAny());
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

async function holdAny(): Promise<{ server: { close(): void }; port: number }> {
  for (let tries = 0; tries < TRIES; tries++) {
    const held = await hold(randomInt(LOWEST, HIGHEST));
    if (held !== null) return held;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} on ${HOST}`);
}
