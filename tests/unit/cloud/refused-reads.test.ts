/** Reads that Cloud Storage refuses for a moment, over real HTTP. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openFiles } from '#cloud/storage';

let server: Server;
let refusals = 0;
beforeAll(async () => {
  server = createServer((_, response) => {
    if (refusals > 0) {
      refusals--;
      response.writeHead(503, { 'content-type': 'application/json' });
      response.end('{"error":{"code":503,"message":"back in a moment"}}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end('orders');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.env['STORAGE_EMULATOR_HOST'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  delete process.env['STORAGE_EMULATOR_HOST'];
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

test('a read that is refused twice is taken up again, and the process lives', async () => {
  refusals = 2;
  const read: Buffer[] = [];
  for await (const chunk of openFiles('demo').read('gs://bucket/orders.csv', '1'))
    read.push(Buffer.from(chunk));
  expect(Buffer.concat(read).toString()).toBe('orders');
});

test('so is an object that is read whole', async () => {
  refusals = 2;
  expect(Buffer.from(await openFiles('demo').readAll('gs://bucket/orders.csv')).toString()).toBe('orders');
});
