/** PostgreSQL for tests: one server per test file, in a folder of its own, gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { startPostgres } from '#scripts/demo/postgres';

/** A running server with an empty database `shop`; user `owner`, password `owner secret`. */
export interface TestPostgres {
  readonly port: number;
  readonly url: string;
  /** Of a source that reads it. */
  readonly settings: {
    readonly kind: 'postgres';
    readonly host: '127.0.0.1';
    readonly port: number;
    readonly database: 'shop';
    readonly user: 'owner';
    readonly sslMode: 'disable';
  };
  /** Runs statements as the owner. */
  sql(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** A connection of its own; close it. */
  client(): Promise<Client>;
  stop(): Promise<void>;
}

export async function startTestPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<TestPostgres> {
  const dir = await mkdtemp(path.join(tmpdir(), 'tradewind-postgres-'));
  const server = await startPostgres({
    dir,
    database: 'shop',
    user: 'owner',
    password: 'owner secret',
    settings,
  });
  const client = async (): Promise<Client> => {
    const connected = new Client({ connectionString: server.url });
    await connected.connect();
    return connected;
  };
  const main = await client();
  return {
    port: server.port,
    url: server.url,
    settings: {
      kind: 'postgres',
      host: '127.0.0.1',
      port: server.port,
      database: 'shop',
      user: 'owner',
      sslMode: 'disable',
    },
    client,
    sql: async (text, values) => {
      const answer = await main.query(text, values === undefined ? undefined : [...values]);
      return answer.rows ?? [];
    },
    async stop() {
      await main.end();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
