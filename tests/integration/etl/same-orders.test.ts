/** The same order lines, once as a file and once in a PostgreSQL that read them by itself: the same table, row for row. */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { createUpload } from '#core/api/sources';
import { copyFrom } from '#scripts/demo/copy-in';
import { type Account, openAccount } from '#tests/account';
import { startTestPostgres, type TestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';

const FILE = new URL('../../support/fixtures/orders/dirty-orders.csv', import.meta.url);
const NAMES = 'InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country'.split(' ');
/** Records of the file; some are on two lines. */
const ROWS = 250;
/** What a database designer would make of these columns; each of them arrives. */
const DESIGNS = {
  narrow: 'text, text, text, int, timestamp, numeric(12,4), numeric(9,0), text',
  wide: 'varchar(20), varchar(20), text, bigint, timestamp(0), numeric, int, varchar(60)',
} as const;

let shop: TestPostgres;
let account: Account;
beforeAll(async () => {
  shop = await startTestPostgres();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  account = await openAccount();
  await shop.sql('DROP TABLE IF EXISTS lines, orders');
});

async function addFile(content: Buffer): Promise<string> {
  const bytes = gzipSync(content);
  const place = await account.call(createUpload, {
    params: account.params,
    body: { fileName: 'orders.csv.gz', bytes: bytes.length },
  });
  await fetch(place.url, { method: place.method, headers: place.headers, body: bytes });
  const { tables } = await account.addSource('File', { kind: 'csv', uris: [place.uri], encoding: 'utf-8' });
  return `${account.raw}.${tables[0]?.destination}`;
}

async function addDatabase(content: Buffer, types: string): Promise<string> {
  const columns = types.split(/, (?=[a-z])/).map((type, index) => `"${NAMES[index]}" ${type}`);
  // Read by PostgreSQL itself, so that two readers of CSV have to agree; 17850.0 becomes an integer by its own cast.
  await shop.sql(`CREATE TABLE lines (${NAMES.map((name) => `"${name}" text`).join(', ')})`);
  const client = await shop.client();
  try {
    await copyFrom(client, 'COPY lines FROM STDIN WITH (FORMAT csv, HEADER true)', [content]);
  } finally {
    await client.end();
  }
  await shop.sql(`CREATE TABLE orders (${columns.join(', ')})`);
  const cast = columns.map((column) => column.replace(/^("\w+") (.*)$/, '$1::numeric::$2'));
  const values = columns.map((column, index) =>
    /" (int|bigint|numeric)/.test(column) ? cast[index] : column.replace(/^("\w+") (.*)$/, '$1::$2'),
  );
  await shop.sql(`INSERT INTO orders SELECT ${values.join(', ')} FROM lines`);
  await shop.sql('DROP TABLE lines');
  const { tables } = await account.addSource('Shop', shop.settings, { password: 'owner secret' });
  return `${account.raw}.${tables[0]?.destination}`;
}

/** Rows of `one`, with how often they come, that `other` has not as often. */
const missing = (one: string, other: string) => {
  const counted = (table: string) =>
    `SELECT ${NAMES.join(', ')}, COUNT(*) AS copies FROM ${table} GROUP BY ${NAMES.join(', ')}`;
  return warehouseRows(`${counted(one)} EXCEPT DISTINCT ${counted(other)}`);
};

test.each(Object.entries(DESIGNS))('a %s table gives the rows of the file', async (_, types) => {
  const content = await readFile(FILE);
  const file = await addFile(content);
  const database = await addDatabase(content, types);
  const run = await account.load();
  expect(run).toMatchObject({ status: 'succeeded', counts: { rejected: {} } });

  const [sizes] = await warehouseRows(
    `SELECT (SELECT COUNT(*) FROM ${file}) AS file, (SELECT COUNT(*) FROM ${database}) AS database`,
  );
  expect(sizes).toEqual({ file: ROWS, database: ROWS });
  expect(await missing(file, database)).toEqual([]);
  expect(await missing(database, file)).toEqual([]);
  // The comparison does see what differs.
  expect(await missing(file, `(SELECT * FROM ${file} WHERE Quantity > 3)`)).not.toEqual([]);
});
