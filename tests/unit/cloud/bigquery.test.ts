import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { openWarehouse, type Warehouse } from '#cloud/bigquery';

let server: Server;
let warehouse: Warehouse;
/** What BigQuery says to every request. */
let answer: { code: number; reason: string };

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    const { code, reason } = answer;
    const error = {
      code,
      message: `told: ${reason}`,
      errors: [{ reason, message: `told: ${reason}`, domain: 'global' }],
    };
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const bigquery = `http://127.0.0.1:${address.port}`;
  warehouse = openWarehouse({
    projectId: 'demo-tradewind',
    location: 'europe-west1',
    endpoints: { bigquery },
  });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

test.each([
  [403, 'rateLimitExceeded', 'warehouse-unavailable'],
  [403, 'quotaExceeded', 'warehouse-unavailable'],
  [400, 'backendError', 'warehouse-unavailable'],
  [403, 'accessDenied', 'warehouse-refused'],
  [400, 'invalidQuery', 'warehouse-refused'],
])('HTTP %i because of %s is %s', async (code, reason, expected) => {
  answer = { code, reason };
  const failure = { code: expected, message: expect.stringContaining(`told: ${reason}`) };
  await expect(warehouse.jobOutcome('j1')).rejects.toMatchObject(failure);
  await expect(warehouse.describe({ dataset: 'd', table: 't' })).rejects.toMatchObject(failure);
  await expect(warehouse.startQuery('j1', 'SELECT 1')).rejects.toMatchObject(failure);
});
