/** Databases with order lines in them, each a server of its own that ends with the benchmark. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import type { Credentials, SourceSettings } from '#core/source';
import { startPostgres } from '#scripts/demo/postgres';
import { startTestMariadb } from '#tests/mariadb';
import { MARIADB_DOCUMENTS, mariadbLines, POSTGRES_DOCUMENTS, postgresLines } from './order-lines.ts';
import { isInstalled, secondsOf } from './readers.ts';

/** A table of a database, by what it is there for. */
export type Tables = Readonly<Record<'lines' | 'fourfold' | 'documents', string>>;

/** A server with order lines. */
export interface Lines {
  readonly settings: SourceSettings & { readonly port: number };
  readonly credentials: Credentials;
  /** `fourfold` is a view of four times the lines; `documents` has values of 8 MB. */
  readonly tables: Tables;
  /** What the server's own client is called, and how long it takes to throw the lines away; null where it is missing. */
  readonly client: { readonly name: string; run(): Promise<number> } | null;
  close(): Promise<void>;
}

const shop = { host: '127.0.0.1', database: 'shop', user: 'owner', sslMode: 'disable' as const };

/** A PostgreSQL of `rows` lines; the reference is `psql`. */
export async function openPostgres(rows: number): Promise<Lines> {
  const dir = await mkdtemp(path.join(tmpdir(), 'tradewind-bench-'));
  const server = await startPostgres({ dir, database: 'shop', user: 'owner', password: 'bench' });
  const close = async (): Promise<void> => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const client = new Client({ connectionString: server.url });
  client.on('error', () => undefined); // the server's end, when something else failed
  try {
    await client.connect();
    for (const sql of [postgresLines(rows), POSTGRES_DOCUMENTS]) await client.query(sql);
    await client.query('VACUUM ANALYZE');
    await client.end();
  } catch (error) {
    await close();
    throw error;
  }
  const copy = 'COPY (SELECT * FROM public.order_lines) TO STDOUT (FORMAT binary)';
  return {
    settings: { kind: 'postgres', ...shop, port: server.port },
    credentials: { password: 'bench' },
    tables: {
      lines: 'public.order_lines',
      fourfold: 'public.order_lines_fourfold',
      documents: 'public.documents',
    },
    client: (await isInstalled('psql'))
      ? {
          name: 'psql COPY binary > /dev/null',
          run: () => secondsOf('psql', [server.url, '-qAtX', '-c', copy]),
        }
      : null,
    close,
  };
}

/** A MariaDB of `rows` lines; the reference is its own client on the same path. */
export async function openMariadb(rows: number): Promise<Lines> {
  const server = await startTestMariadb(['--innodb-buffer-pool-size=2G']);
  try {
    for (const sql of [mariadbLines(rows), MARIADB_DOCUMENTS]) await server.sql(sql);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const login = ['--protocol=tcp', `-h${shop.host}`, `-P${server.port}`, '-uowner', '-powner secret'];
  const args = ['--no-defaults', ...login, '--quick', '-BN', 'shop', '-e', 'SELECT * FROM order_lines'];
  return {
    settings: { kind: 'mysql', ...shop, port: server.port },
    credentials: { password: 'owner secret' },
    tables: { lines: 'order_lines', fourfold: 'order_lines_fourfold', documents: 'documents' },
    client: (await isInstalled('mariadb'))
      ? { name: 'mariadb --quick > /dev/null', run: () => secondsOf('mariadb', args) }
      : null,
    close: () => server.stop(),
  };
}
