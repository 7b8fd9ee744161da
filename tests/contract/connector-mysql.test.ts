import { mysql } from '#connectors/mysql/mysql';
import type { MysqlSettings } from '#connectors/mysql/connection';
import type { SourceAccess } from '#connectors/connector';
import { makeTestContext } from '#tests/connectors';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { resultOf, startScriptedMysql } from '#tests/mysql-packets';
import {
  AUTHORITY,
  CERTIFICATES,
  type Certificate,
  closedPort,
  startSilent,
  startStranger,
  startTlsFront,
} from '#tests/odd-servers';
import { describeConnector } from './connector-suite.ts';

const ROWS = 20_000;
let server: TestMariadb;
/** Servers that are not what is said of them. */
const odd: { stop(): Promise<void> }[] = [];
async function portOf(starting: Promise<{ readonly port: number; stop(): Promise<void> }>): Promise<number> {
  const started = await starting;
  odd.push(started);
  return started.port;
}

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
      CREATE TABLE hidden (id int);
      CREATE SQL SECURITY INVOKER VIEW half AS SELECT id FROM hidden;
      CREATE USER half@'%' IDENTIFIED BY 'reader secret'; GRANT SELECT ON shop.half TO half@'%';
      CREATE DATABASE bare; GRANT SELECT ON bare.* TO reader@'%'`);
    const front = (proof: Certificate) => portOf(startTlsFront('mysql', proof));
    const verified = { sslMode: 'verify-full', ca: AUTHORITY } as const;
    const old = (version: string) =>
      portOf(
        startScriptedMysql({
          answer: (sql) => (/VERSION/.test(sql) ? resultOf(['version'], [[version]]) : undefined),
        }),
      );
    return {
      connector: mysql,
      context: makeTestContext(),
      access: accessWith({}),
      secret: 'reader secret',
      table: 'things',
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
        { cell: 'TLS: not offered', access: accessWith({ sslMode: 'require' }), step: 'tls', code: 'tls-not-offered', names: String(server.port), remedy: /Turn TLS on at the server/ },
        { cell: 'TLS: another authority', access: accessWith({ ...verified, port: await front(CERTIFICATES.localhost) }), step: 'tls', code: 'tls-unverified', names: '127.0.0.1', remedy: /certificate \(PEM\) of the authority/ },
        { cell: 'TLS: another name', access: accessWith({ ...verified, host: 'localhost', port: await front(CERTIFICATES.otherName) }), step: 'tls', code: 'tls-unverified', names: 'db.other.example', remedy: /host name that is in the certificate/ },
        { cell: 'TLS: expired', access: accessWith({ ...verified, port: await front(CERTIFICATES.expired) }), step: 'tls', code: 'tls-unverified', names: 'expired', remedy: /certificate of the server renewed/ },
        { cell: 'password: wrong', access: accessWith({}, 'wrong'), step: 'sign-in', code: 'sign-in-refused', names: 'reader', remedy: /Check user and password/ },
        { cell: 'password: missing', access: { ...accessWith({}), credentials: null }, step: 'sign-in', code: 'sign-in-refused', names: 'reader', remedy: /Check user and password/ },
        { cell: 'user: unknown', access: accessWith({ user: 'nobody' }), step: 'sign-in', code: 'sign-in-refused', names: 'nobody', remedy: /Check user and password/ },
        { cell: 'database: unknown', access: accessWith({ database: 'shoop' }), step: 'sign-in', code: 'database-unknown', names: 'shoop', remedy: /Check the spelling of the database/ },
        { cell: 'privilege: none', access: accessWith({ user: 'stranger' }), step: 'permissions', code: 'no-tables', names: 'stranger', remedy: /Grant SELECT on the tables of "shop" to the user "stranger"/ },
        { cell: 'privilege: read', access: accessWith({ user: 'half' }), step: 'read', code: 'permission-denied', names: 'half', remedy: /Grant SELECT on the table \(or the view, and what it reads\)/ },
        { cell: 'version: too old', what: 'MySQL', access: accessWith({ port: await old('5.5.62-log') }), step: 'sign-in', code: 'server-too-old', names: '5.5.62', remedy: /Update it to MySQL 5.7 or later/ },
        { cell: 'version: too old', what: 'MariaDB', access: accessWith({ port: await old('10.2.44-MariaDB') }), step: 'sign-in', code: 'server-too-old', names: '10.2.44', remedy: /Update it to MariaDB 10.3 or later/ },
        { cell: 'empty', access: accessWith({ database: 'bare' }), step: 'permissions', code: 'no-tables', names: 'bare', remedy: /choose the database that has the tables/ },
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
  async () => {
    await Promise.all(odd.map((each) => each.stop()));
    await server?.stop();
  },
);
