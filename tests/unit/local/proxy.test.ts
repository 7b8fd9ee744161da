import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import { forward } from '#scripts/local/proxy';

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

test('a body refused before its end does not block the next request of the same connection', async () => {
  const upstream = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(incoming.headers['content-length'] === '3' ? 200 : 413).end();
  });
  const port = await listen(upstream);
  const front = createServer((incoming, response) =>
    forward(incoming, response, { port, path: '/', headers: incoming.headers, timeoutMs: 5000, name: 'it' }),
  );
  const at = await listen(front);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (bytes: number): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const outgoing = request({
        port: at,
        host: '127.0.0.1',
        method: 'POST',
        agent,
        headers: { 'content-length': bytes },
      });
      outgoing.once('response', (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode));
      });
      outgoing.once('error', reject);
      outgoing.end(Buffer.alloc(bytes));
    });
  try {
    for (let round = 0; round < 5; round++) {
      expect(await send(8_000_000)).toBe(413);
      expect(await send(3)).toBe(200);
    }
  } finally {
    agent.destroy();
    front.close();
    upstream.close();
    front.closeAllConnections();
    upstream.closeAllConnections();
  }
}, 20_000);
