import { createServer } from 'node:net';
import { mysql } from '#connectors/mysql/mysql';
import type { MysqlSettings } from '#connectors/mysql/connection';
import type { SourceAccess } from '#connectors/connector';
import { makeTestContext } from '#tests/connectors';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { describeConnector } from './connector-suite.ts';

const ROWS = 20_000;
let server: TestMariadb;

function accessWith(changes: Partial<MysqlSettings>, password = 'reader secret'): SourceAccess {
  return {
    settings: {
      kind: 'mysql',
      host: '127.0.0.1',
      port: server.port,
      database: 'shop',
      user: 'reader',
      sslMode: 'prefer',
      ...changes,
    },
    credentials: { password },
  };
}

async function closedPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 1;
}

describeConnector(
  'mysql',
  async () => {
    server = await startTestMariadb();
    await server.sql(`
      CREATE TABLE things (id bigint PRIMARY KEY AUTO_INCREMENT, label varchar(80));
      INSERT INTO things SELECT seq, CONCAT('label ', seq) FROM seq_1_to_${ROWS};
      ANALYZE TABLE things;
      CREATE USER reader@'%' IDENTIFIED BY 'reader secret'; GRANT SELECT ON shop.things TO reader@'%';
      CREATE USER stranger@'%' IDENTIFIED BY 'reader secret'; GRANT CREATE TEMPORARY TABLES ON shop.* TO stranger@'%';
      CREATE TABLE hidden (id int)`);
    return {
      connector: mysql,
      context: makeTestContext(),
      access: accessWith({}),
      secret: 'reader secret',
      table: 'things',
      rows: ROWS,
      cursor: 'id',
      broken: [
        { what: 'private host', access: accessWith({ host: '10.0.0.1' }), step: 'resolve', code: 'host-refused', names: '10.0.0.1' },
        { what: 'unknown host', access: accessWith({ host: 'db.invalid' }), step: 'resolve', code: 'host-unknown', names: 'db.invalid' },
        { what: 'metadata', access: accessWith({ host: '169.254.169.254' }), step: 'resolve', code: 'host-refused', names: '169.254.169.254' },
        { what: 'closed port', access: accessWith({ port: await closedPort() }), step: 'reach', code: 'source-unreachable', names: '127.0.0.1' },
        { what: 'TLS wanted, not offered', access: accessWith({ sslMode: 'require' }), step: 'tls', code: 'tls-not-offered', names: String(server.port) },
        { what: 'wrong password', access: accessWith({}, 'wrong'), step: 'sign-in', code: 'sign-in-refused', names: 'reader' },
        { what: 'no password', access: { ...accessWith({}), credentials: null }, step: 'sign-in', code: 'sign-in-refused', names: 'reader' },
        { what: 'unknown user', access: accessWith({ user: 'nobody' }), step: 'sign-in', code: 'sign-in-refused', names: 'nobody' },
        { what: 'unknown database', access: accessWith({ database: 'shoop' }), step: 'sign-in', code: 'database-unknown', names: 'shoop' },
        { what: 'nothing readable', access: accessWith({ user: 'stranger' }), step: 'permissions', code: 'no-tables', names: 'stranger' },
      ], // prettier-ignore
      change: async () => {
        await server.sql(
          `DELETE FROM things WHERE id % 7 = 0; UPDATE things SET label = CONCAT(label, '') WHERE id % 3 = 0`,
        );
        await server.sql(`INSERT INTO things VALUES (${ROWS + 1}, 'label ${ROWS + 1}')`);
      },
      appended: [ROWS + 1],
    };
  },
  async () => server?.stop(),
);
