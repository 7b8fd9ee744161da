import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { copyInto } from '#scripts/demo/copy-in';
import { loadDemo } from '#scripts/demo/load';
import { startPostgres, type RunningPostgres } from '#scripts/demo/postgres';
import { DEMO, planWholesaler, tallyOrders } from '#scripts/demo/wholesaler';

const SMALL = { ...DEMO, accounts: 60, days: 200 };
const login = { database: 'wholesale', user: 'owner', password: "it's geheim: ü/@?" };
let dir: string;
let server: RunningPostgres;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'tradewind-demo-'));
  server = await startPostgres({ dir: path.join(dir, 'main'), ...login });
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

const ask = async (url: string, sql: string): Promise<unknown[]> => {
  const client = new Client({ connectionString: url });
  // A server that ends tells its connections so, between two statements too: the next statement says it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
};

test('loads the whole company, once, with its keys intact', async () => {
  const tally = tallyOrders(planWholesaler(SMALL).orders());
  const first = await loadDemo(server.url, SMALL);
  expect(first).toMatchObject({ loaded: true, orders: tally.orders, orderLines: tally.lines });
  expect(await loadDemo(server.url, SMALL)).toMatchObject({ loaded: false, orderLines: tally.lines });

  expect(await ask(server.url, 'SELECT count(*)::int FROM erp.order_lines WHERE quantity < 0')).toEqual([
    tally.returnLines,
  ]);
  // Loading skips the checks of foreign keys, so they are made here.
  const orphans = `SELECT count(*)::int FROM erp.order_lines LEFT JOIN erp.products USING (sku) LEFT JOIN erp.orders o USING (order_no)
    LEFT JOIN erp.customers c USING (customer_no) WHERE products.sku IS NULL OR o.order_no IS NULL OR (c.name IS NULL AND o.customer_no IS NOT NULL)`;
  expect(await ask(server.url, orphans)).toEqual([0]);
  expect(
    await ask(
      server.url,
      'SELECT count(*)::int FROM erp.products p LEFT JOIN erp.products n ON n.sku = p.superseded_by WHERE p.superseded_by IS NOT NULL AND n.sku IS NULL',
    ),
  ).toEqual([0]);
});

test('a company that is there keeps its last day; a new one ends on the day asked for', async () => {
  const lastOrder = () => ask(server.url, 'SELECT max(ordered_at)::date::text FROM erp.orders');
  expect(await loadDemo(server.url, { ...SMALL, lastDay: '2027-03-05' })).toMatchObject({ loaded: false });
  expect(await lastOrder()).toEqual([SMALL.lastDay]);
  expect(await loadDemo(server.url, { ...SMALL, seed: 8, lastDay: '2027-03-05' })).toMatchObject({
    loaded: true,
  });
  expect(await lastOrder()).toEqual(['2027-03-05']);
});

test('another seed replaces the company', async () => {
  const other = await loadDemo(server.url, { ...SMALL, seed: 7, accounts: 20 });
  expect(other.loaded).toBe(true);
  expect(await ask(server.url, 'SELECT count(*)::int FROM erp.customers')).toEqual([20]);
});

test('the login given to Tradewind reads and cannot write', async () => {
  const { readerUrl } = await loadDemo(server.url, SMALL);
  expect(await ask(readerUrl, 'SELECT count(*)::int FROM erp.customers')).toEqual([60]);
  await expect(ask(readerUrl, 'SET transaction_read_only = off; DELETE FROM erp.orders')).rejects.toThrow(
    'permission denied',
  );
  await expect(ask(readerUrl, 'SELECT * FROM demo_meta.loaded')).rejects.toThrow('permission denied');
});

test('bulk loading takes any text and refuses a wrong row whole', async () => {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query('CREATE TABLE notes (id int PRIMARY KEY, note text, at timestamptz)');
    const rows = [
      [1, 'tab\tnewline\n\\N back\\slash\r', '2026-01-02T03:04:05.678Z'],
      [2, null, null],
      [3, 'ünï 🚀', null],
    ];
    expect(await copyInto(client, 'notes', ['id', 'note', 'at'], rows)).toBe(3);
    const stored = await client.query<{ note: string | null }>('SELECT note FROM notes ORDER BY id');
    expect(stored.rows.map((row) => row.note)).toEqual(rows.map((row) => row[1]));
    await expect(copyInto(client, 'notes', ['id'], [[4], ['five']])).rejects.toThrow('invalid input syntax');
    const failing = function* (): Generator<number[]> {
      yield [6];
      throw new Error('the source broke');
    };
    await expect(copyInto(client, 'notes', ['id'], failing())).rejects.toThrow('the source broke');
    expect((await client.query('SELECT id FROM notes')).rowCount).toBe(3);
  } finally {
    await client.end();
  }
});

test('a wrong password for an existing folder is said at once, with the remedy', async () => {
  const own = path.join(dir, 'locked');
  await (await startPostgres({ dir: own, ...login })).stop();
  const refused = startPostgres({ dir: own, ...login, password: 'other' });
  await expect(refused).rejects.toMatchObject({
    code: 'postgres-start',
    message: expect.stringContaining('password authentication failed'),
  });
});

describe('as a process', () => {
  const begin = async (own: string): Promise<{ child: ChildProcess; url: string }> => {
    const child = spawn(process.execPath, ['scripts/demo/main.ts', '--dir', own], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /^READY .*"url":"([^"]+)"/.exec(line);
      if (found?.[1] !== undefined) return { child, url: found[1] };
    }
    throw new Error('the demo database ended before it was ready');
  };
  const isGone = async (url: string): Promise<void> => {
    for (;;) {
      const answer = await ask(url, 'SELECT 1').catch((error: NodeJS.ErrnoException) => error.code);
      if (answer === 'ECONNREFUSED') return;
    }
  };

  test('stops when its input ends, survives kill -9 of its process and leaves no server behind', async () => {
    const own = path.join(dir, 'process');
    const first = await begin(own);
    first.child.kill('SIGKILL');
    await isGone(first.url);
    const second = await begin(own);
    expect(await ask(second.url, 'SELECT count(*)::int > 100000 FROM erp.order_lines')).toEqual([true]);
    second.child.stdin?.end();
    expect((await once(second.child, 'exit'))[0]).toBe(0);
    await isGone(second.url);
  });
});
