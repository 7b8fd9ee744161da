import { bigquery } from '#connectors/bigquery/bigquery';
import type { SourceAccess } from '#connectors/connector';
import { PROJECT, startTestBigQuery, type TestBigQuery } from '#tests/bigquery';
import { describeConnector } from './connector-suite.ts';

const ROWS = 12_000;
const READER = 'reader@demo-tradewind.iam.gserviceaccount.com';
const STRANGER = 'stranger@demo-tradewind.iam.gserviceaccount.com';
let server: TestBigQuery;
/** Why what goes wrong with servers cannot with this one. */
const ADDRESS = 'BigQuery answers at Google’s own address, which nobody gives.';

describeConnector(
  'bigquery',
  async () => {
    server = await startTestBigQuery();
    const key = server.account(READER);
    const stranger = server.account(STRANGER);
    await server.dataset('shop', { readers: [READER] });
    await server.dataset('empty', { readers: [READER] });
    await server.dataset('unlabelled');
    await server.dataset('far', { labels: { 'tradewind-tenant': 'acme' }, location: 'US' });
    await server.run(
      `CREATE TABLE shop.things AS SELECT n AS id, CONCAT('label ', CAST(n AS STRING)) AS label FROM UNNEST(GENERATE_ARRAY(1, ${ROWS})) AS n`,
    );
    const access = (dataset: string, file: string | null = key, location?: string): SourceAccess => ({
      settings: { kind: 'bigquery', project: PROJECT, dataset, ...(location ? { location } : {}) },
      credentials: file === null ? null : { key: file },
    });
    const gone = key.replace('"private_key_id":"k1"', '"private_key_id":"k0"');
    const other = key.replace(READER, 'nobody@demo-tradewind.iam.gserviceaccount.com');
    const hostile = key.replace('https://oauth2.googleapis.com/token', 'https://169.254.169.254/token');
    return {
      connector: bigquery,
      context: server.context,
      access: access('shop'),
      secret: key.slice(key.indexOf('PRIVATE KEY-----') + 20, key.indexOf('PRIVATE KEY-----') + 60),
      table: 'things',
      rows: ROWS,
      cursor: 'id',
      impossible: {
        'name: unknown': ADDRESS,
        'name: private': ADDRESS,
        'name: metadata': ADDRESS,
        'port: closed': ADDRESS,
        'port: silent': ADDRESS,
        'port: another protocol': ADDRESS,
        'TLS: not offered': ADDRESS,
        'TLS: another authority': ADDRESS,
        'TLS: another name': ADDRESS,
        'TLS: expired': ADDRESS,
        'privilege: read':
          'Who may see the tables of a data set may read them, as far as the local BigQuery goes.',
        'version: too old': 'There is one.',
      },
      broken: [
        { cell: 'password: wrong', what: 'no key file', access: access('shop', '{"type":"user"}'), step: 'sign-in', code: 'key-invalid', names: 'service_account', remedy: /new key \(JSON\) of the service account/ },
        { cell: 'password: wrong', what: 'another token address', access: access('shop', hostile), step: 'sign-in', code: 'key-invalid', names: 'token_uri', remedy: /new key \(JSON\) of the service account/ },
        { cell: 'password: wrong', what: 'deleted key', access: access('shop', gone), step: 'sign-in', code: 'sign-in-refused', names: READER, remedy: /key/ },
        { cell: 'user: unknown', access: access('shop', other), step: 'sign-in', code: 'sign-in-refused', names: 'nobody@', remedy: /key/ },
        { cell: 'privilege: none', access: access('shop', stranger), step: 'permissions', code: 'permission-denied', names: STRANGER, remedy: /BigQuery Data Viewer/ },
        { cell: 'database: unknown', access: access('shoop'), step: 'permissions', code: 'permission-denied', names: 'shoop', remedy: /BigQuery Data Viewer/ },
        { cell: 'empty', access: access('empty'), step: 'permissions', code: 'no-tables', names: 'empty', remedy: /Check the name of the data set/ },
        { cell: 'database: unknown', what: 'elsewhere', access: access('shop', key, 'US'), step: 'permissions', code: 'location-other', names: 'EU', remedy: /Correct the location/ },
        { cell: 'password: missing', what: 'no label', access: access('unlabelled', null), step: 'permissions', code: 'dataset-forbidden', names: 'unlabelled', remedy: /tradewind-tenant=acme/ },
        { cell: 'password: missing', what: 'nothing there', access: access('shoop', null), step: 'permissions', code: 'dataset-forbidden', names: 'shoop', remedy: /tradewind-tenant=acme/ },
        { cell: 'password: missing', what: 'our own', access: access('tw_acme_raw', null), step: 'permissions', code: 'dataset-forbidden', names: 'tw_acme_raw', remedy: /./ },
        { cell: 'password: missing', what: 'far away', access: access('far', null), step: 'permissions', code: 'location-differs', names: 'US', remedy: /key of a service account/ },
      ], // prettier-ignore
      change: async () => {
        await server.run('DELETE FROM shop.things WHERE MOD(id, 7) = 0');
        await server.run(`INSERT INTO shop.things (id, label) VALUES (${ROWS + 1}, 'label ${ROWS + 1}')`);
      },
      appended: [ROWS + 1],
    };
  },
  async () => server?.stop(),
);
