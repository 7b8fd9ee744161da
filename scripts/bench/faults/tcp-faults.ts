/* A way to a database on which connections break, stand still or are refused. */
import { connect, createServer, type Socket } from 'node:net';
import type { Dice } from './random.ts';

/** How rough the way is now: shares of connections, 0 to 1. */
export interface Roughness {
  /** Broken (RST) after some bytes of an answer. */
  breaks: number;
  /** Stand still for a while in the middle. */
  stalls: number;
}

export interface RoughWay {
  readonly port: number;
  readonly roughness: Roughness;
  /** Refuses every connection and breaks those that are, for so long. */
  readonly goDown: (milliseconds: number) => void;
  readonly close: () => Promise<void>;
}

/** Opens one to `target` on the loopback; `told` hears of each fault. */
export async function openRoughWay(
  target: number,
  dice: Dice,
  told: (fault: string) => void,
): Promise<RoughWay> {
  const roughness: Roughness = { breaks: 0, stalls: 0 };
  const open = new Set<Socket>();
  let downUntil = 0;
  const server = createServer((client) => {
    if (Date.now() < downUntil) {
      told('source-refused');
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    open.add(client);
    const breakAfter = dice.chance(roughness.breaks) ? dice.whole(200, 120_000) : Infinity;
    const stallAfter = dice.chance(roughness.stalls) ? dice.whole(200, 120_000) : Infinity;
    const end = () => {
      open.delete(client);
      client.destroy();
      upstream.destroy();
    };
    let passed = 0;
    let stalled = false;
    upstream.on('data', (chunk) => {
      passed += chunk.length;
      if (passed > breakAfter) {
        told('source-reset');
        open.delete(client);
        client.resetAndDestroy();
        upstream.destroy();
        return;
      }
      if (passed > stallAfter && !stalled) {
        stalled = true;
        told('source-stalled');
        upstream.pause();
        setTimeout(() => upstream.resume(), dice.whole(300, 2500));
      }
      if (!client.write(chunk)) {
        upstream.pause();
        client.once('drain', () => upstream.resume());
      }
    });
    client.pipe(upstream);
    for (const socket of [client, upstream]) socket.on('close', end).on('error', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    roughness,
    goDown(milliseconds) {
      downUntil = Date.now() + milliseconds;
      for (const socket of open) {
        told('source-reset');
        socket.resetAndDestroy();
      }
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
