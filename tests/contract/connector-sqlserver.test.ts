import { sqlserver } from '#connectors/sqlserver/sqlserver';
import { makeTestContext } from '#tests/connectors';
import {
  AUTHORITY,
  CERTIFICATES,
  type Certificate,
  closedPort,
  startSilent,
  startStranger,
} from '#tests/odd-servers';
import { startTestSqlServer, type TestSqlServer } from '#tests/sqlserver';
import { describeConnector } from './connector-suite.ts';

const ROWS = 6000;
let server: TestSqlServer;
/** Servers that are not what is said of them. */
const odd: { stop(): Promise<void> }[] = [];
async function started<S extends { stop(): Promise<void> }>(starting: Promise<S>): Promise<S> {
  const one = await starting;
  odd.push(one);
  return one;
}

describeConnector(
  'sqlserver',
  async () => {
    server = await startTestSqlServer();
    const { access, database } = server;
    const certified = async (proof: Certificate, host = '127.0.0.1') => {
      const { port } = await started(startTestSqlServer({ certificate: proof }));
      return access({ user: 'reader', host, port, sslMode: 'verify-full', ca: AUTHORITY });
    };
    const old = await started(startTestSqlServer());
    old.database.productVersion = '12.0.6024.0';
    const still = await started(startTestSqlServer());
    still.database.allowsSnapshots = false;
    still.database.add({ schema: 'dbo', name: 'things', columns: [{ name: 'id', type: 'int' }] }, []);
    const bare = await started(startTestSqlServer());
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
      impossible: {},
      broken: [
        { cell: 'name: unknown', access: access({ host: 'db.invalid' }), step: 'resolve', code: 'host-unknown', names: 'db.invalid', remedy: /Check the spelling/ },
        { cell: 'name: private', access: access({ host: '10.0.0.1' }), step: 'resolve', code: 'host-refused', names: '10.0.0.1', remedy: /public host name.*TRADEWIND_ALLOWED_HOSTS/ },
        { cell: 'name: metadata', access: access({ host: '169.254.169.254' }), step: 'resolve', code: 'host-refused', names: '169.254.169.254', remedy: /Give a public host name/ },
        { cell: 'port: closed', access: access({ port: await closedPort() }), step: 'reach', code: 'source-unreachable', names: '127.0.0.1', remedy: /Check host and port.*listens on TCP.*firewall/ },
        { cell: 'port: silent', access: access({ port: (await started(startSilent())).port }), step: 'tls', code: 'source-silent', names: '127.0.0.1', remedy: /Check that this port is the database’s own/ },
        { cell: 'port: another protocol', access: access({ port: (await started(startStranger())).port }), step: 'tls', code: 'source-protocol', names: '127.0.0.1', remedy: /Check the port/ },
        { cell: 'TLS: not offered', access: access({ sslMode: 'require' }), step: 'tls', code: 'tls-not-offered', names: String(server.port), remedy: /Give the server a certificate/ },
        { cell: 'TLS: another authority', access: await certified(CERTIFICATES.localhost), step: 'tls', code: 'tls-unverified', names: '127.0.0.1', remedy: /certificate \(PEM\) of the authority/ },
        { cell: 'TLS: another name', access: await certified(CERTIFICATES.otherName, 'localhost'), step: 'tls', code: 'tls-unverified', names: 'db.other.example', remedy: /host name that is in the certificate/ },
        { cell: 'TLS: expired', access: await certified(CERTIFICATES.expired), step: 'tls', code: 'tls-unverified', names: 'expired', remedy: /certificate of the server renewed/ },
        { cell: 'password: wrong', access: access({ user: 'reader' }, 'wrong'), step: 'sign-in', code: 'sign-in-refused', names: 'reader', remedy: /Check user and password.*mixed mode/ },
        { cell: 'password: missing', access: { ...reader, credentials: null }, step: 'sign-in', code: 'sign-in-refused', names: 'reader', remedy: /Check user and password/ },
        { cell: 'user: unknown', access: access({ user: 'nobody' }), step: 'sign-in', code: 'sign-in-refused', names: 'nobody', remedy: /Check user and password/ },
        { cell: 'database: unknown', access: access({ database: 'shoop' }), step: 'sign-in', code: 'database-unknown', names: 'shoop', remedy: /Check the spelling of the database/ },
        { cell: 'privilege: none', access: access({ user: 'stranger' }), step: 'permissions', code: 'no-tables', names: 'stranger', remedy: /Grant SELECT on a schema or its tables to the user "stranger"/ },
        { cell: 'privilege: read', access: access({ port: still.port }), step: 'read', code: 'snapshot-not-allowed', names: 'shop', remedy: /ALTER DATABASE \[shop\] SET ALLOW_SNAPSHOT_ISOLATION ON/ },
        { cell: 'version: too old', access: access({ port: old.port }), step: 'sign-in', code: 'server-too-old', names: '12.0.6024.0', remedy: /Update it to SQL Server 2016/ },
        { cell: 'empty', access: access({ port: bare.port }), step: 'permissions', code: 'no-tables', names: 'shop', remedy: /choose the database that has the tables/ },
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
    await Promise.all(odd.map((each) => each.stop()));
    await server?.stop();
  },
);
