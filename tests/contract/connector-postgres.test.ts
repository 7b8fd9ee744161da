import { postgres } from '#connectors/postgres/postgres';
import type { PostgresSettings } from '#connectors/postgres/connection';
import type { SourceAccess } from '#connectors/connector';
import { makeTestContext } from '#tests/connectors';
import {
  AUTHORITY,
  CERTIFICATES,
  type Certificate,
  closedPort,
  type OddServer,
  startOldPostgres,
  startSilent,
  startStranger,
  startTlsFront,
} from '#tests/odd-servers';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { describeConnector } from './connector-suite.ts';

const ROWS = 20_000;
let server: TestPostgres;
/** Servers that are not what is said of them. */
const odd: OddServer[] = [];
async function portOf(starting: Promise<OddServer>): Promise<number> {
  const server = await starting;
  odd.push(server);
  return server.port;
}

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

describeConnector(
  'postgres',
  async () => {
    server = await startTestPostgres();
    await server.sql(`
      CREATE TABLE things (id int8 PRIMARY KEY GENERATED ALWAYS AS IDENTITY, label text);
      INSERT INTO things (label) SELECT 'label ' || n FROM generate_series(1, ${ROWS}) n;
      ANALYZE things;
      CREATE ROLE reader LOGIN PASSWORD 'reader secret'; GRANT SELECT ON things TO reader;
      CREATE ROLE stranger LOGIN PASSWORD 'reader secret';
      CREATE TABLE hidden (id int);
      CREATE VIEW half WITH (security_invoker) AS SELECT id FROM hidden;
      CREATE ROLE half LOGIN PASSWORD 'reader secret'; GRANT SELECT ON half TO half`);
    await server.sql('CREATE DATABASE bare');
    const front = (proof: Certificate) => portOf(startTlsFront('postgres', proof));
    const verified = { sslMode: 'verify-full', ca: AUTHORITY } as const;
    const old = await portOf(startOldPostgres('9.2.24'));
    return {
      connector: postgres,
      context: makeTestContext(),
      access: accessWith({}),
      secret: 'reader secret',
      table: 'public.things',
      rows: ROWS,
      cursor: 'id',
      impossible: {},
      broken: [
        { cell: 'name: unknown', access: accessWith({ host: 'db.invalid' }), step: 'resolve', code: 'host-unknown', names: 'db.invalid', remedy: /Check the spelling/ },
        { cell: 'name: private', access: accessWith({ host: '10.0.0.1' }), step: 'resolve', code: 'host-refused', names: '10.0.0.1', remedy: /public host name.*TRADEWIND_ALLOWED_HOSTS/ },
        { cell: 'name: metadata', access: accessWith({ host: '169.254.169.254' }), step: 'resolve', code: 'host-refused', names: '169.254.169.254', remedy: /Give a public host name/ },
        { cell: 'port: closed', access: accessWith({ port: await closedPort() }), step: 'reach', code: 'source-unreachable', names: '127.0.0.1', remedy: /Check host and port.*firewall/ },
        { cell: 'port: silent', access: accessWith({ port: await portOf(startSilent()) }), step: 'tls', code: 'source-silent', names: '127.0.0.1', remedy: /Check that this port is the database’s own/ },
        { cell: 'port: another protocol', access: accessWith({ port: await portOf(startStranger()) }), step: 'tls', code: 'source-protocol', names: '127.0.0.1', remedy: /Check the port/ },
        { cell: 'TLS: not offered', access: accessWith({ sslMode: 'require' }), step: 'tls', code: 'tls-not-offered', names: String(server.port), remedy: /Turn on ssl in postgresql.conf/ },
        { cell: 'TLS: another authority', access: accessWith({ ...verified, port: await front(CERTIFICATES.localhost) }), step: 'tls', code: 'tls-unverified', names: '127.0.0.1', remedy: /certificate \(PEM\) of the authority/ },
        { cell: 'TLS: another name', access: accessWith({ ...verified, host: 'localhost', port: await front(CERTIFICATES.otherName) }), step: 'tls', code: 'tls-unverified', names: 'db.other.example', remedy: /host name that is in the certificate/ },
        { cell: 'TLS: expired', access: accessWith({ ...verified, port: await front(CERTIFICATES.expired) }), step: 'tls', code: 'tls-unverified', names: 'expired', remedy: /certificate of the server renewed/ },
        { cell: 'password: wrong', access: accessWith({}, 'wrong'), step: 'sign-in', code: 'sign-in-refused', names: 'reader', remedy: /Check user and password.*pg_hba.conf/ },
        { cell: 'password: missing', access: { ...accessWith({}), credentials: null }, step: 'sign-in', code: 'sign-in-refused', names: 'reader', remedy: /Set the password/ },
        { cell: 'user: unknown', access: accessWith({ user: 'nobody' }), step: 'sign-in', code: 'sign-in-refused', names: 'nobody', remedy: /Check user and password/ },
        { cell: 'database: unknown', access: accessWith({ database: 'shoop' }), step: 'sign-in', code: 'database-unknown', names: 'shoop', remedy: /Check the spelling of the database/ },
        { cell: 'privilege: none', access: accessWith({ user: 'stranger' }), step: 'permissions', code: 'no-tables', names: 'stranger', remedy: /Grant USAGE on a schema and SELECT on its tables to the user "stranger"/ },
        { cell: 'privilege: read', access: accessWith({ user: 'half' }), step: 'read', code: 'permission-denied', names: 'hidden', remedy: /Grant .*SELECT on the table/ },
        { cell: 'version: too old', access: accessWith({ port: old }), step: 'sign-in', code: 'server-too-old', names: '9.2.24', remedy: /Update it to PostgreSQL 12 or later/ },
        { cell: 'empty', access: accessWith({ database: 'bare' }), step: 'permissions', code: 'no-tables', names: 'bare', remedy: /choose the database that has the tables/ },
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
    await Promise.all(odd.map((each) => each.stop()));
    await server?.stop();
  },
);
