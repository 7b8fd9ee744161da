import { bigquery } from '#connectors/bigquery/bigquery';
import type { SourceAccess } from '#connectors/connector';
import { PROJECT, startTestBigQuery, type TestBigQuery } from '#tests/bigquery';
import { describeConnector } from './connector-suite.ts';

const ROWS = 12_000;
const READER = 'reader@demo-tradewind.iam.gserviceaccount.com';
const STRANGER = 'stranger@demo-tradewind.iam.gserviceaccount.com';
let server: TestBigQuery;

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
      broken: [
        { what: 'no key file', access: access('shop', '{"type":"user"}'), step: 'sign-in', code: 'key-invalid', names: 'service_account' },
        { what: 'another token address', access: access('shop', hostile), step: 'sign-in', code: 'key-invalid', names: 'token_uri' },
        { what: 'deleted key', access: access('shop', gone), step: 'sign-in', code: 'sign-in-refused', names: READER },
        { what: 'unknown account', access: access('shop', other), step: 'sign-in', code: 'sign-in-refused', names: 'nobody@' },
        { what: 'no rights', access: access('shop', stranger), step: 'permissions', code: 'permission-denied', names: STRANGER },
        { what: 'no data set', access: access('shoop'), step: 'permissions', code: 'permission-denied', names: 'shoop' },
        { what: 'no table', access: access('empty'), step: 'permissions', code: 'no-tables', names: 'empty' },
        { what: 'elsewhere', access: access('shop', key, 'US'), step: 'permissions', code: 'location-other', names: 'EU' },
        { what: 'no label', access: access('unlabelled', null), step: 'permissions', code: 'dataset-forbidden', names: 'unlabelled' },
        { what: 'nothing there, no key', access: access('shoop', null), step: 'permissions', code: 'dataset-forbidden', names: 'shoop' },
        { what: 'our own', access: access('tw_acme_raw', null), step: 'permissions', code: 'dataset-forbidden', names: 'tw_acme_raw' },
        { what: 'far away, no key', access: access('far', null), step: 'permissions', code: 'location-differs', names: 'US' },
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
