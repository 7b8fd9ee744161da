/** Errors of connectors that no other test brings about. */
import { connectors } from '#connectors/registry';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { splitUri } from '#cloud/storage';
import { refusal } from '#connectors/bigquery/errors';
import { describeTable } from '#connectors/bigquery/tables';
import { upperBoundOf } from '#connectors/bigquery/watermark';
import { toSourceError } from '../../../functions/connectors/mysql/errors.ts';
import { toSourceError as toPostgresError } from '../../../functions/connectors/postgres/errors.ts';
import { describeAll } from '../../../functions/sources/discover.ts';

test.each(['10.0.0.0/33', 'db internal', '[fe80::1', 'db:port'])('%p is no allowed host', (text) => {
  expect(() => parseAllowedHosts(text)).toThrow(
    expect.objectContaining({ code: 'allowed-hosts-invalid', message: expect.stringContaining(text) }),
  );
});

test('a resolver that does not answer is asked again; a name that does not exist is not', async () => {
  const guard = (code: string) =>
    makeHostGuard([], () => Promise.reject(Object.assign(new Error(code), { code })));
  await expect(guard('EAI_AGAIN').pin('db.example.com', 5432)).rejects.toMatchObject({
    name: 'TransientError',
    code: 'resolver-failed',
  });
  await expect(guard('ENOTFOUND').pin('db.example.com', 5432)).rejects.toMatchObject({
    name: 'TerminalError',
    code: 'host-unknown',
  });
});

test('a way of signing in that is not spoken here names those that are', () => {
  const place = { host: 'db', port: 3306, database: 'erp', user: 'reader' };
  const thrown = Object.assign(new Error('unknown plugin auth_gssapi_client'), {
    code: 'AUTH_SWITCH_PLUGIN_ERROR',
  });
  expect(toSourceError(thrown, place)).toMatchObject({
    name: 'TerminalError',
    code: 'sign-in-method',
    remedy: expect.stringContaining('caching_sha2_password'),
  });
});

test.each([
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Connection terminated unexpectedly',
])('PostgreSQL’s driver says "%s": the connection is lost, and what was read is tried again', (text) => {
  const place = { host: 'db', port: 5432, database: 'erp', user: 'reader' };
  expect(toPostgresError(new Error(text), place)).toMatchObject({
    name: 'TransientError',
    code: 'connection-lost',
  });
});

test.each(Object.values(connectors).map(({ label }, index) => [label, index] as const))(
  '%s refuses the settings of another kind',
  async (_, index) => {
    const connector = Object.values(connectors)[index];
    const settings = { kind: 'none' };
    const context = { hosts: makeHostGuard([]), now: () => 0 };
    const connect = async () =>
      // Settings of no kind at all, as a record of a later version could have them.
      connector?.connect(
        { settings, credentials: null } as never,
        context as never,
        new AbortController().signal,
      );
    await expect(connect()).rejects.toMatchObject({ code: 'source-kind' });
  },
);

test.each([
  ['notFound', 'not-found-in-bigquery', 'Check the names'],
  ['billingNotEnabled', 'billing-disabled', 'Enable billing'],
  ['invalidQuery', 'query-refused', 'leave that column out'],
  ['invalid', 'query-refused', 'leave that column out'],
  ['responseTooLarge', 'answer-too-large', 'Load fewer'],
])('BigQuery that says %s is told as %s', (reason, code, remedy) => {
  const said = refusal(reason, 'its own words', { what: 'shop.sales.orders', account: 'reader@shop' });
  expect(said).toMatchObject({
    name: 'TerminalError',
    code,
    message: expect.stringContaining('its own words'),
    remedy: expect.stringContaining(remedy),
  });
});

describe('a data set of BigQuery that is read without a key', () => {
  const facts = { type: 'VIEW', schema: { fields: [] } };
  // What is asked of it before anything is read.
  const client = {
    api: { own: true },
    name: 'shop.sales',
    tables: async () => [{ name: 'orders', type: 'VIEW' }],
    table: async () => facts,
  };

  test('has no views, for these would be read with the rights of an account that reads for all', async () => {
    await expect(describeTable(client as never, 'orders')).rejects.toMatchObject({
      code: 'table-needs-key',
      message: expect.stringContaining('of type VIEW'),
    });
  });

  test('has no numbers that new rows could be told by', async () => {
    const column = { name: 'id', type: 'INT64', nullable: false, sourceType: 'INT64' };
    const relation = {
      description: { name: 'orders', columns: [column] },
      plans: [{ column }],
      listed: {},
      facts,
    };
    await expect(upperBoundOf(client as never, relation as never, 'id', null, 0)).rejects.toMatchObject({
      code: 'cursor-needs-key',
      remedy: expect.stringContaining('a column of moments'),
    });
  });
});

test('a source of more tables than anybody chooses from is not described', async () => {
  const listed = Array.from({ length: 501 }, (_, n) => ({ name: `t${n}` }));
  const session = { listTables: async () => listed };
  const { signal } = new AbortController();
  await expect(describeAll(session as never, 'Shop', signal, () => undefined)).rejects.toMatchObject({
    code: 'too-many-tables',
    message: '"Shop" shows 501 tables.',
  });
});

test.each(['https://host/file.csv', 'gs://bucket', 'bucket/object'])('%p is no object', (uri) => {
  expect(() => splitUri(uri)).toThrow(
    expect.objectContaining({ code: 'uri-invalid', message: expect.stringContaining(uri) }),
  );
});
