import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { openBus } from '#cloud/pubsub';

test('a Pub/Sub that takes the connection and never answers is given up, and what happens next is said', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  process.env['PUBSUB_EMULATOR_HOST'] = `127.0.0.1:${address.port}`;
  const bus = openBus('demo-tradewind', 1);
  try {
    await expect(bus.publish('tick', {})).rejects.toMatchObject({
      code: 'publish-failed',
      remedy: 'Nothing is lost: it is published again within a minute.',
    });
  } finally {
    delete process.env['PUBSUB_EMULATOR_HOST'];
    for (const socket of sockets) socket.destroy();
    silent.close();
    await bus.close();
  }
});
