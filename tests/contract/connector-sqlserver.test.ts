import { createServer, type AddressInfo, type Server } from 'node:net';
import { sqlserver } from '#connectors/sqlserver/sqlserver';
import { makeTestContext } from '#tests/connectors';
import { startTestSqlServer, type TestSqlServer } from '#tests/sqlserver';
import { describeConnector } from './connector-suite.ts';

const ROWS = 6000;
let server: TestSqlServer;
/** Accepts connections and says nothing SQL Server would say. */
let stranger: Server;

async function closedPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  // A TCP server's address is never a path.
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

describeConnector(
  'sqlserver',
  async () => {
    server = await startTestSqlServer();
    const { access, database } = server;
    stranger = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .resume()
        .end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const things = database.add(
      {
        schema: 'dbo',
        name: 'things',
        columns: [
          { name: 'id', type: 'bigint', nullable: false },
          { name: 'label', type: 'nvarchar', length: 100 },
        ],
        key: ['id'],
        bytes: 1_000_000,
        readers: ['owner', 'reader'],
      },
      Array.from({ length: ROWS }, (_, index) => [BigInt(index + 1), `label ${index + 1}`]),
    );
    const reader = access({ user: 'reader' });
    return {
      connector: sqlserver,
      context: makeTestContext(),
      access: reader,
      secret: 'reader sécret',
      table: 'dbo.things',
      rows: ROWS,
      cursor: 'id',
      broken: [
        { what: 'private host', access: access({ host: '10.0.0.1' }), step: 'resolve', code: 'host-refused', names: '10.0.0.1' },
        { what: 'unknown host', access: access({ host: 'db.invalid' }), step: 'resolve', code: 'host-unknown', names: 'db.invalid' },
        { what: 'metadata', access: access({ host: '169.254.169.254' }), step: 'resolve', code: 'host-refused', names: '169.254.169.254' },
        { what: 'closed port', access: access({ port: await closedPort() }), step: 'reach', code: 'source-unreachable', names: '127.0.0.1' },
        { what: 'TLS wanted, not offered', access: access({ sslMode: 'require' }), step: 'tls', code: 'tls-not-offered', names: String(server.port) },
        { what: 'another protocol', access: access({ port: (stranger.address() as AddressInfo).port }), step: 'tls', code: 'source-protocol', names: '127.0.0.1' },
        { what: 'wrong password', access: access({ user: 'reader' }, 'wrong'), step: 'sign-in', code: 'sign-in-refused', names: 'reader' },
        { what: 'no password', access: { ...reader, credentials: null }, step: 'sign-in', code: 'sign-in-refused', names: 'reader' },
        { what: 'unknown user', access: access({ user: 'nobody' }), step: 'sign-in', code: 'sign-in-refused', names: 'nobody' },
        { what: 'unknown database', access: access({ database: 'shoop' }), step: 'sign-in', code: 'database-unknown', names: 'shoop' },
        { what: 'nothing readable', access: access({ user: 'stranger' }), step: 'permissions', code: 'no-tables', names: 'stranger' },
      ], // prettier-ignore
      change: async () => {
        database.change(things, (row) => (Number(row[0]) % 7 === 0 ? null : row), [
          [BigInt(ROWS + 1), `label ${ROWS + 1}`],
        ]);
      },
      appended: [ROWS + 1],
    };
  },
  async () => {
    await new Promise((resolve) => stranger?.close(resolve));
    await server?.stop();
  },
);
