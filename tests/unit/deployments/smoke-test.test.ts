import { createServer } from 'node:http';
import { compareLists, pickLists, warmUp, warmUpAgain } from '../../../functions/deployments/smoke-test.ts';

const list = (customer: string, items: string[], slot: 'reorder' | 'discover' = 'discover') => ({
  customer,
  slot,
  items,
});

test('lists that agree item by item pass; the first difference is named', () => {
  const offline = [list('Acme', ['a', 'b']), list('Acme', ['c'], 'reorder')];
  expect(compareLists(offline, [list('Acme', ['a', 'b']), list('Acme', ['c'], 'reorder')])).toBeNull();
  expect(compareLists(offline, [list('Acme', ['a', 'b']), list('Acme', ['d'], 'reorder')])).toBe(
    'In the reorder list of customer Acme, place 1 is d as served and c as computed in training.',
  );
  expect(compareLists(offline, [list('Acme', ['b', 'a']), list('Acme', ['c'], 'reorder')])).toMatch(
    /place 1 is b/,
  );
  expect(compareLists(offline, [list('Acme', ['a']), list('Acme', ['c'], 'reorder')])).toMatch(
    /place 2 is nothing as served and b/,
  );
  expect(compareLists(offline, [list('Acme', ['a', 'b', 'x']), list('Acme', ['c'], 'reorder')])).toMatch(
    /place 3 is x as served and nothing/,
  );
  expect(compareLists(offline, [list('Acme', ['a', 'b'])])).toBe(
    'The revision did not answer the reorder list of customer Acme.',
  );
});

test('customers are taken from all over the file, with every slot of each', () => {
  const offline = Array.from({ length: 100 }, (_, n) => [
    list(`c${n}`, []),
    list(`c${n}`, [], 'reorder'),
  ]).flat();
  const picked = pickLists(offline, 4);
  expect(picked.map(({ customer, slot }) => `${customer} ${slot}`)).toEqual([
    'c0 discover',
    'c0 reorder',
    'c25 discover',
    'c25 reorder',
    'c50 discover',
    'c50 reorder',
    'c75 discover',
    'c75 reorder',
  ]);
  expect(pickLists(offline, 500)).toHaveLength(200);
  expect(pickLists([], 5)).toEqual([]);
});

test('a revision that was made under a former key can be gone back to, though it cannot be warmed up', async () => {
  const server = createServer((_, response) => response.writeHead(401).end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const candidate = {
    url: `http://127.0.0.1:${port}`,
    deployment: 'd1',
    version: 'v1',
    key: new Uint8Array(32),
  };
  const offline = [list('Acme', ['a'])];
  await expect(warmUp(candidate, offline, 3, Date.now)).rejects.toMatchObject({ code: 'smoke-test-failed' });
  expect(await warmUpAgain(candidate, offline, 3, Date.now)).toBe(0);
  await new Promise((resolve) => server.close(resolve));
});
