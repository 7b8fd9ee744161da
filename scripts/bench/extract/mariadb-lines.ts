import { openWire } from '#connectors/mysql/connection';
import { mysql } from '#connectors/mysql/mysql';
import { startTestMariadb } from '#tests/mariadb';
import { exitCode, extractTable, type Subject } from './measure.ts';

/** The lines of the other database, in the types that MariaDB has for them. */
const TABLE = `SET time_zone = '+00:00';
  CREATE TABLE order_lines (id bigint PRIMARY KEY, order_id bigint, customer_id int, product_id varchar(20), qty int,
    unit_price decimal(12,2), discount decimal(38,28), currency char(3), created_at timestamp(6) NOT NULL DEFAULT now(6),
    updated_at timestamp(6) NOT NULL DEFAULT now(6), status varchar(10), attrs json);
  INSERT INTO order_lines SELECT seq, seq DIV 5, seq * 7919 % 20000, CONCAT('SKU-', LPAD(seq * 104729 % 30000, 6, '0')),
    seq % 40 + 1, (seq * 31 % 100000) / 100.0, CAST(seq % 30 AS decimal(38,28)) / 7, IF(seq % 10 = 0, 'USD', 'EUR'),
    TIMESTAMP'2024-01-01 00:00:00' + INTERVAL seq * 7 SECOND,
    TIMESTAMP'2024-01-02 00:00:00' + INTERVAL seq * 7000123 MICROSECOND,
    ELT(seq % 4 + 1, 'open', 'picked', 'shipped', 'invoiced'),
    CONCAT('{"note": "line ', seq, '", "channel": ', seq % 3, ', "weights": [', seq % 5, ', ', seq % 7, ']}')
  FROM seq_1_to_$ROWS;
  ANALYZE TABLE order_lines`;
const SELECT = 'SELECT * FROM order_lines';
const nowhere = {
  columns: () => undefined,
  row: () => undefined,
  tooBig: (limit: number) => new Error(`a row of more than ${limit} bytes`),
  full: false,
  drain: async () => undefined,
};
const credentials = { password: 'owner secret' };
const IDLE_MS = 60_000;

/** Order lines in a MariaDB of its own; the reference is its own client on the same path. */
export async function openMariadbLines(rows: number): Promise<Subject> {
  const server = await startTestMariadb(['--innodb-buffer-pool-size=1G']);
  try {
    await server.sql(TABLE.replace('$ROWS', String(rows)));
  } catch (error) {
    await server.stop();
    throw error;
  }
  const place = { host: '127.0.0.1', port: server.port, database: 'shop', user: 'owner' };
  const settings = { kind: 'mysql' as const, ...place, sslMode: 'disable' as const };
  const login = ['--protocol=tcp', `-h${place.host}`, `-P${place.port}`, '-uowner', '-powner secret'];
  return {
    name: 'mariadb-parquet',
    extract: () => extractTable(mysql, settings, credentials, 'order_lines'),
    async readSocket() {
      const never = new AbortController().signal;
      const pinned = { ...place, address: place.host, family: 4 as const };
      const wire = await openWire(settings, credentials, pinned, never);
      await wire.read(SELECT, nowhere, never, IDLE_MS);
      await wire.close();
    },
    client: {
      name: 'mariadb --quick > /dev/null',
      async run() {
        const args = ['--no-defaults', ...login, '--quick', '-BN', 'shop', '-e', SELECT];
        if ((await exitCode('mariadb', args)) !== 0) throw new Error('the mariadb client failed');
      },
    },
    close: () => server.stop(),
  };
}
