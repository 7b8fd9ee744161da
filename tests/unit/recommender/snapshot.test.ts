import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readSnapshot } from '../../../functions/recommender/snapshot.ts';
import type { Part } from '../../../functions/recommender/snapshot-parts.ts';

const partOf = (name: string, bytes: Uint8Array): Part => ({
  name,
  bytes: bytes.length,
  read: async (start, end) => bytes.subarray(start, end),
});

/** Parquet as a warehouse's export writes it, snappy or zstd; each statement is one part file. */
async function exported(statements: readonly string[], compression = 'snappy'): Promise<Part[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tradewind-snapshot-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const parts: Part[] = [];
    for (const [n, sql] of statements.entries()) {
      const file = join(folder, `part-${n}.parquet`);
      await connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet, COMPRESSION ${compression})`);
      const bytes = await readFile(file);
      parts.push(partOf(`part-${n}.parquet`, bytes));
    }
    return parts;
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true });
  }
}

const customers = `SELECT * FROM (VALUES (1::BIGINT, 'c-b', NULL::VARCHAR), (0, 'c-a', 'Ännchen & Söhne')) t(id, key, name)`;
const items = (from: string) =>
  `SELECT id, key, name, category FROM (VALUES ${from}) t(id, key, name, category)`;
const firstItems = items(`(2::BIGINT, 'i-c', 'Bolt', 'Fixings'), (0, 'i-a', NULL, NULL)`);
const otherItems = items(`(1::BIGINT, 'i-b', 'Nut', 'Fixings')`);
const lines = (from: string) =>
  `SELECT customer::BIGINT AS customer, item::BIGINT AS item, time::TIMESTAMPTZ AS time, quantity::DOUBLE AS quantity,
   value::DOUBLE AS value, basket::VARCHAR AS basket FROM (VALUES ${from}) t(customer, item, time, quantity, value, basket)`;
const firstLines = lines(
  `(0, 2, '2025-03-01 12:00:00.250+00', 5, 12.5, 'o1'), (1, 0, '2025-03-02 00:00:00+00', 1, NULL, NULL)`,
);
const otherLines = lines(
  `(0, 1, '2025-03-03 00:00:00+00', 2, 1, 'o2'), (0, 2, '2025-03-03 00:00:00+00', 3, 2, 'o1')`,
);

it.each(['0.5', '4294967296.0', 'NaN'])('refuses %s as an id instead of cutting it to one', async (id) => {
  const odd = firstLines.replace('customer::BIGINT', `'${id}'::DOUBLE`);
  await expect(
    readSnapshot({
      customers: await exported([customers]),
      items: await exported([firstItems, otherItems]),
      interactions: await exported([odd]),
    }),
  ).rejects.toMatchObject({
    code: 'snapshot-invalid',
    message: expect.stringContaining(`column customer holds ${Number(id)}, no dense id`),
  });
});

describe('the snapshot', () => {
  it.each(['snappy', 'zstd'])('reads part files in any order, %s', async (compression) => {
    const {
      customers: c,
      items: i,
      interactions: x,
    } = await readSnapshot({
      customers: await exported([customers], compression),
      items: await exported([firstItems, otherItems], compression),
      interactions: await exported([firstLines, otherLines], compression),
    });
    // As snapshots of before are: neither segments nor brands.
    expect(c).toEqual({ keys: ['c-a', 'c-b'], names: ['Ännchen & Söhne', null] });
    expect(i).not.toHaveProperty('brands');
    expect(i.keys).toEqual(['i-a', 'i-b', 'i-c']);
    expect(i.names).toEqual([null, 'Nut', 'Bolt']);
    expect(i.categories).toEqual([null, 'Fixings', 'Fixings']);
    expect([...x.customer]).toEqual([0, 1, 0, 0]);
    expect([...x.item]).toEqual([2, 0, 1, 2]);
    expect(x.time[0]).toBe(Date.UTC(2025, 2, 1, 12, 0, 0, 250));
    expect([...x.quantity]).toEqual([5, 1, 2, 3]);
    expect([...x.value]).toEqual([12.5, NaN, 1, 2]);
    expect([...x.basket]).toEqual([0, -1, 1, 0]);
  });

  it('reads segments and brands where they are, and nothing where none is told', async () => {
    const read = async (segment: string, brand: string) => {
      const found = await readSnapshot({
        customers: await exported([`SELECT *, IF(id = 1, ${segment}, NULL) AS segment FROM (${customers})`]),
        items: await exported(
          [firstItems, otherItems].map(
            (sql) => `SELECT *, IF(id > 0, ${brand}, NULL) AS brand FROM (${sql})`,
          ),
        ),
        interactions: await exported([firstLines]),
      });
      return [found.customers.segments, found.items.brands];
    };
    expect(await read(`'Trade'`, `'Acme'`)).toEqual([
      [null, 'Trade'],
      [null, 'Acme', 'Acme'],
    ]);
    expect(await read('NULL::VARCHAR', `''`)).toEqual([undefined, undefined]);
  });

  it('reads baskets by the hash of their keys as by the keys, on memory that threads share', async () => {
    const keyed = `SELECT customer, item, time, quantity, value, basket FROM (${otherLines}) UNION ALL
      SELECT customer, item, time, quantity, value, basket FROM (${firstLines})`;
    const read = async (sql: string) =>
      (
        await readSnapshot({
          customers: await exported([customers]),
          items: await exported([firstItems, otherItems]),
          interactions: await exported([sql]),
        })
      ).interactions;
    const hashed = await read(
      `SELECT * REPLACE (CASE WHEN basket IS NULL THEN NULL ELSE (hash(basket) // 2)::BIGINT - 4e18::BIGINT END AS basket) FROM (${keyed})`,
    );
    expect([...hashed.basket]).toEqual([...(await read(keyed)).basket]);
    expect(hashed.customer.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('reads more lines than one row group holds, each with what belongs to it', async () => {
    const many = `SELECT (n % 2)::BIGINT AS customer, (n % 3)::BIGINT AS item, TIMESTAMPTZ '2025-03-01' + INTERVAL (n) SECOND AS time,
      n::DOUBLE AS quantity, CASE WHEN n % 5 = 0 THEN NULL ELSE 0.5 * n END AS value, 'o' || (n // 4) AS basket
      FROM range(300000) t(n)`;
    const [part] = await exported([many]);
    const { interactions } = await readSnapshot({
      customers: await exported([customers]),
      items: await exported([firstItems, otherItems]),
      interactions: [part!],
    });
    expect(interactions.item).toHaveLength(300_000);
    const at = interactions.quantity.indexOf(299_999);
    expect([interactions.customer[at], interactions.item[at], interactions.value[at]]).toEqual([
      1, 2, 149_999.5,
    ]);
    expect(interactions.time[at]).toBe(Date.UTC(2025, 2, 1) + 299_999_000);
    expect(new Set(interactions.basket).size).toBe(75_000);
  });

  it('names what is wrong with ids that are not dense', async () => {
    const parts = { customers: await exported([customers]), interactions: await exported([firstLines]) };
    const gap = items(`(5::BIGINT, 'i-x', 'Far', NULL)`);
    await expect(readSnapshot({ ...parts, items: await exported([firstItems, gap]) })).rejects.toThrow(
      /0 … 2, each once: 5 is not/,
    );
    await expect(readSnapshot({ ...parts, items: await exported([otherItems, otherItems]) })).rejects.toThrow(
      /1 is not/,
    );
  });

  it('names a file that is no Parquet, and a column that is missing', async () => {
    const good = {
      items: await exported([firstItems, otherItems]),
      interactions: await exported([firstLines]),
    };
    const text = [partOf('gs://b/customers-0.parquet', new Uint8Array(20))];
    await expect(readSnapshot({ ...good, customers: text })).rejects.toThrow(
      /gs:\/\/b\/customers-0\.parquet/,
    );
    const nameless = await exported([`SELECT 0::BIGINT AS id, 'a' AS key`]);
    await expect(readSnapshot({ ...good, customers: nameless })).rejects.toThrow(/part-0.*name/);
    const keyless = await exported([`SELECT 0::BIGINT AS id, NULL::VARCHAR AS key, 'x' AS name`]);
    await expect(readSnapshot({ ...good, customers: keyless })).rejects.toThrow(/column key holds NULL/);
  });
});
