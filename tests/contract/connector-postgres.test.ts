import { createServer, type Server } from 'node:net';
import { postgres } from '#connectors/postgres/postgres';
import type { PostgresSettings } from '#connectors/postgres/connection';
import type { SourceAccess } from '#connectors/connector';
import { makeTestContext } from '#tests/connectors';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { describeConnector } from './connector-suite.ts';

const ROWS = 20_000;
let server: TestPostgres;
/** Accepts connections and says nothing PostgreSQL would say. */
let stranger: Server;

function accessWith(changes: Partial<PostgresSettings>, password = 'reader secret'): SourceAccess {
  return {
    settings: {
      kind: 'postgres',
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
  'postgres',
  async () => {
    server = await startTestPostgres();
    stranger = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    await server.sql(`
      CREATE TABLE things (id int8 PRIMARY KEY GENERATED ALWAYS AS IDENTITY, label text);
      INSERT INTO things (label) SELECT 'label ' || n FROM generate_series(1, ${ROWS}) n;
      ANALYZE things;
      CREATE ROLE reader LOGIN PASSWORD 'reader secret'; GRANT SELECT ON things TO reader;
      CREATE ROLE stranger LOGIN PASSWORD 'reader secret';
      CREATE TABLE hidden (id int)`);
    return {
      connector: postgres,
      context: makeTestContext(),
      access: accessWith({}),
      secret: 'reader secret',
      table: 'public.things',
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
          `DELETE FROM things WHERE id % 7 = 0; UPDATE things SET label = label WHERE id % 3 = 0`,
        );
        await server.sql(`INSERT INTO things (label) VALUES ('label ${ROWS + 1}')`);
      },
      appended: [ROWS + 1],
    };
  },
  async () => {
    await new Promise((resolve) => stranger?.close(resolve));
    await server?.stop();
  },
);
