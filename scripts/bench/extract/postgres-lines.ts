import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { readCopy } from '#connectors/postgres/copy-reader';
import { postgres } from '#connectors/postgres/postgres';
import { startPostgres } from '#scripts/demo/postgres';
import { exitCode, extractTable, type Subject } from './measure.ts';

const TABLE = `
  CREATE TABLE order_lines AS SELECT n::int8 AS id, (n / 5)::int8 AS order_id, (n::int8 * 7919 % 20000)::int4 AS customer_id,
    'SKU-' || lpad((n::int8 * 104729 % 30000)::text, 6, '0') AS product_id, (n % 40 + 1)::int4 AS qty,
    ((n::int8 * 31 % 100000) / 100.0)::numeric(12,2) AS unit_price, ((n % 30) / 7.0)::numeric(38,28) AS discount,
    CASE n % 10 WHEN 0 THEN 'USD' ELSE 'EUR' END AS currency,
    timestamptz '2024-01-01' + n * interval '7 seconds' AS created_at,
    timestamptz '2024-01-02' + n * interval '7.000123 seconds' AS updated_at,
    (ARRAY['open','picked','shipped','invoiced'])[n % 4 + 1] AS status,
    jsonb_build_object('channel', n % 3, 'note', 'line ' || n, 'weights', ARRAY[n % 5, n % 7]) AS attrs
  FROM generate_series(1, $ROWS) n`;
const COPY = 'COPY (SELECT * FROM public.order_lines) TO STDOUT (FORMAT binary)';
const nowhere = { frame: () => undefined, full: false, drain: async () => undefined };

/** Order lines in a PostgreSQL of its own; the reference is `psql`, where it is installed. */
export async function openPostgresLines(rows: number): Promise<Subject> {
  const dir = await mkdtemp(path.join(tmpdir(), 'tradewind-bench-'));
  const server = await startPostgres({ dir, database: 'shop', user: 'owner', password: 'bench' });
  const client = new Client({ connectionString: server.url });
  client.on('error', () => undefined); // the server's end, when something else failed
  const close = async (): Promise<void> => {
    await client.end().catch(() => undefined);
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await client.connect();
    await client.query(TABLE.replace('$ROWS', String(rows)));
    await client.query('VACUUM ANALYZE order_lines');
  } catch (error) {
    await close();
    throw error;
  }
  const place = { host: '127.0.0.1', port: server.port, database: 'shop', user: 'owner' };
  const settings = { kind: 'postgres' as const, ...place, sslMode: 'disable' as const };
  const hasPsql = (await exitCode('psql', ['--version'])) === 0;
  return {
    name: 'postgres-to-parquet',
    extract: () => extractTable(postgres, settings, { password: 'bench' }, 'public.order_lines'),
    readSocket: () => readCopy(client, COPY, nowhere, new AbortController().signal),
    client: hasPsql
      ? {
          name: 'psql COPY binary > /dev/null',
          async run() {
            if ((await exitCode('psql', [server.url, '-qAtX', '-c', COPY])) !== 0)
              throw new Error('psql failed');
          },
        }
      : null,
    close,
  };
}
