/* The real servers of the worlds: one of each, and in PostgreSQL a database for every world. */
import { Client } from 'pg';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { openSqlWorld, type SqlConnection } from './sql-world.ts';
import type { World, WorldOptions } from './world.ts';

const PASSWORD = 'owner secret';
const DECLARED =
  'id int PRIMARY KEY, name varchar(300) NOT NULL, qty int NOT NULL, price decimal(12,2) NOT NULL, note varchar(200), rev bigint NOT NULL';

const NEW_ROW = 'NEW.id, NEW.name, NEW.qty, NEW.price, NEW.note, NEW.rev, NEW.changed';

let databases = 0;

/** A world in a database of its own on `server`. */
export async function openPostgresWorld(server: TestPostgres, options: WorldOptions): Promise<World> {
  const database = `shop_${++databases}`;
  await server.sql(`CREATE DATABASE ${database}`);
  const connect = async (): Promise<SqlConnection> => {
    const client = new Client({
      host: '127.0.0.1',
      port: server.port,
      user: 'owner',
      password: PASSWORD,
      database,
    });
    client.on('error', () => undefined);
    await client.connect();
    return {
      run: async (sql, values) =>
        (await client.query(sql, values === undefined ? undefined : [...values])).rows ?? [],
      close: () => client.end(),
    };
  };
  return openSqlWorld(
    {
      settings: (port) => ({
        kind: 'postgres',
        host: '127.0.0.1',
        port,
        database,
        user: 'owner',
        sslMode: 'disable',
      }),
      port: server.port,
      password: PASSWORD,
      connect,
      create: [`CREATE TABLE items (${DECLARED}, changed timestamptz NOT NULL DEFAULT now())`],
      twins: [
        'CREATE TABLE twins (LIKE items INCLUDING ALL)',
        `CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF TG_OP <> 'INSERT' THEN DELETE FROM twins WHERE id = OLD.id; END IF;
           IF TG_OP <> 'DELETE' THEN INSERT INTO twins SELECT NEW.*; END IF;
           RETURN NULL; END $$`,
        'CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION follow()',
      ],
      settlesMs: 0,
      begin: 'BEGIN',
      parameter: (n) => `$${n}`,
      touch: 'changed = now()',
      truth: `SELECT id, name, qty, price, note, rev, (extract(epoch FROM changed) * 1000000)::bigint AS moment FROM items`,
      lock: ['BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE', 'COMMIT'],
      unitBytes: 32 * 1024,
    },
    options,
  );
}

/** The world of `server`: there is one at a time, for its transactions are seen by all. */
export async function openMariadbWorld(server: TestMariadb, options: WorldOptions): Promise<World> {
  await server.sql('DROP DATABASE IF EXISTS shop; CREATE DATABASE shop');
  const connect = async (): Promise<SqlConnection> => {
    const client = await server.client();
    return {
      async run(sql, values) {
        const [rows] = await client.query(sql, values === undefined ? undefined : [...values]);
        // Rows of a query are objects by column.
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
      },
      close: () => client.end(),
    };
  };
  return openSqlWorld(
    {
      settings: (port) => ({
        kind: 'mysql',
        host: '127.0.0.1',
        port,
        database: 'shop',
        user: 'owner',
        sslMode: 'disable',
      }),
      port: server.port,
      password: PASSWORD,
      connect,
      create: [
        `CREATE TABLE items (${DECLARED}, changed timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))`,
      ],
      twins: [
        'CREATE TABLE twins LIKE items',
        `CREATE TRIGGER added AFTER INSERT ON items FOR EACH ROW INSERT INTO twins VALUES (${NEW_ROW})`,
        `CREATE TRIGGER changed AFTER UPDATE ON items FOR EACH ROW REPLACE INTO twins VALUES (${NEW_ROW})`,
        'CREATE TRIGGER gone AFTER DELETE ON items FOR EACH ROW DELETE FROM twins WHERE id = OLD.id',
      ],
      // Its moments may be cut to whole seconds, so the newest two wait.
      settlesMs: 2500,
      begin: 'BEGIN',
      parameter: () => '?',
      touch: '',
      truth: `SELECT id, name, qty, price, note, rev, CAST(UNIX_TIMESTAMP(changed) * 1000000 AS SIGNED) AS moment FROM items`,
      lock: ['LOCK TABLES items WRITE', 'UNLOCK TABLES'],
      unitBytes: 32 * 1024,
    },
    options,
  );
}

export interface Servers {
  readonly postgres: TestPostgres;
  readonly mariadb: TestMariadb;
  readonly stop: () => Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const [postgres, mariadb] = await Promise.all([
    startTestPostgres({ max_connections: '200' }),
    startTestMariadb(),
  ]);
  return {
    postgres,
    mariadb,
    stop: async () => void (await Promise.all([postgres.stop(), mariadb.stop()])),
  };
}
