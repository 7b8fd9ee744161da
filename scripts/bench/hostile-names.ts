/**
 * Loads tables, columns, schemas, headers and files of hostile names through the whole product, from every kind of source that
 * runs here, and compares each published value with what was written under that name.
 */
import { parseArgs } from 'node:util';
import { writeFileSync } from 'node:fs';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { createUpload, updateSourceTable } from '#core/api/sources';
import type { Credentials, SourceSettings, SourceTable } from '#core/source';
import { type Account, openAccount } from '#tests/account';
import { fitsMariadb, fitsPostgres, HOSTILE_FILE_COLUMNS, HOSTILE_NAMES } from '#tests/hostile-names';
import {
  csvOf,
  differences,
  marker,
  quoteMariadb,
  quotePostgres,
  ROWS,
  tableSql,
} from '#tests/hostile-tables';
import { setup, teardown } from '#tests/local-cloud';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { startTestPostgres } from '#tests/postgres';
import { warehouseRows } from '#tests/raw-tables';

const HELP = `npm run bench -- hostile-names [--tables 60] [--report FILE]

Starts a local cloud, a PostgreSQL and a MariaDB of its own. All ${HOSTILE_NAMES.length} names are loaded as columns of each kind of source
that takes them, --tables of them as tables, schemas and files. Ends with 1 where a value differs or a name is missing.`;

const { values } = parseArgs({
  options: {
    tables: { type: 'string', default: '60' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const most = Number(values.tables);

/** A table as it was made: under which name, and of which columns. */
interface Made {
  readonly table: string;
  readonly names: readonly string[];
}
/** What came of a source. */
interface Figures {
  readonly source: string;
  readonly names: number;
  readonly tables: number;
  readonly columns: number;
  readonly rows: number;
  readonly values: number;
  readonly seconds: number;
  readonly differences: readonly string[];
}

/** Evenly spread over all names, so that each kind of them is among few. */
const some = (names: readonly string[], count: number): string[] =>
  names.filter(
    (_, at) => Math.floor((at * count) / names.length) !== Math.floor(((at - 1) * count) / names.length),
  );

/** Loads a source into a model of its own and compares what was published of each table. */
async function compared(
  source: string,
  account: Account,
  settings: SourceSettings,
  credentials: Credentials | undefined,
  made: readonly Made[],
): Promise<Figures> {
  const began = performance.now();
  const { tables } = await account.addSource('Hostile', settings, credentials);
  for (const table of tables.filter(({ enabled }) => !enabled))
    await account.call(updateSourceTable, {
      params: { ...account.params, source: table.source, table: table.id },
      body: { enabled: true },
    });
  const run = await account.load(500);
  const wrong: string[] = run.perTable
    .filter(({ failure }) => failure !== null)
    .map(({ name, failure }) => `${name}: ${failure?.code} ${failure?.message}`);
  const byName = new Map<string, SourceTable>(tables.map((table) => [table.name, table]));
  let [rows, columns, cells] = [0, 0, 0];
  for (const { table: name, names } of made) {
    const table = byName.get(name);
    if (table === undefined) {
      wrong.push(`${JSON.stringify(name)} was not discovered`);
      continue;
    }
    const published = await warehouseRows(`SELECT * FROM ${account.raw}.${table.destination}`).catch(
      (error: unknown) => (wrong.push(`${name}: ${String(error)}`), []),
    );
    rows += published.length;
    columns += names.length;
    cells += published.length * names.length;
    wrong.push(...differences(table, names, published));
  }
  const seconds = (performance.now() - began) / 1000;
  const names = new Set(made.flatMap((one) => [one.table, ...one.names])).size;
  return { source, names, tables: made.length, columns, rows, values: cells, seconds, differences: wrong };
}

async function fromPostgres(): Promise<Figures> {
  const shop = await startTestPostgres();
  try {
    const fit = HOSTILE_NAMES.filter(fitsPostgres);
    const made: Made[] = [];
    const add = async (schema: string, table: string, names: readonly string[]) => {
      const parts = [schema, table];
      for (const sql of tableSql(parts.map(quotePostgres).join('.'), names, quotePostgres))
        await shop.sql(sql);
      made.push({
        table: parts.map((part) => (/[."]/.test(part) ? quotePostgres(part) : part)).join('.'),
        names,
      });
    };
    await add('public', 'wide', fit);
    for (const name of some(fit, most)) await add('public', name, [name]);
    for (const name of some(fit, Math.ceil(most / 2))) {
      await shop.sql(`CREATE SCHEMA ${quotePostgres(name)}`);
      await add(name, name, [name, 'id']);
    }
    return await compared(
      'PostgreSQL',
      await openAccount(),
      shop.settings,
      { password: 'owner secret' },
      made,
    );
  } finally {
    await shop.stop();
  }
}

async function fromMariadb(): Promise<Figures> {
  const shop = await startTestMariadb();
  try {
    const fit = HOSTILE_NAMES.filter(fitsMariadb);
    const made: Made[] = [];
    const add = async (table: string, names: readonly string[]) => {
      for (const sql of tableSql(quoteMariadb(table), names, quoteMariadb))
        await shop.sql(sql.replaceAll('varchar(1300)', 'text'));
      made.push({ table, names });
    };
    for (const [at, names] of (await apart(shop, fit)).entries()) await add(`wide${at}`, names);
    for (const name of some(fit, most)) await add(name, [name]);
    const place = { host: '127.0.0.1', port: shop.port, database: 'shop', user: 'owner' } as const;
    const settings = { kind: 'mysql', ...place, sslMode: 'disable' } as const;
    return await compared('MariaDB', await openAccount(), settings, { password: 'owner secret' }, made);
  } finally {
    await shop.stop();
  }
}

/**
 * `names` in as many tables as it takes: MariaDB takes names for one that are the same in small letters, and in a table of many
 * columns it even finds one that only weighs the same in place of another. Only it knows both.
 */
async function apart(shop: TestMariadb, names: readonly string[]): Promise<string[][]> {
  const groups: { readonly names: string[]; readonly taken: Set<string> }[] = [];
  for (const name of names) {
    const plain = `CONVERT(CONVERT(x'${Buffer.from(name).toString('hex')}' USING utf8mb4) USING utf8mb3)`;
    const [row] = await shop.sql(
      `SELECT HEX(LOWER(${plain})) AS small, HEX(WEIGHT_STRING(${plain} COLLATE utf8mb3_general_ci)) AS weight`,
    );
    const forms = [`small ${String(row?.['small'])}`, `weight ${String(row?.['weight'])}`];
    let group = groups.find(({ taken }) => !forms.some((form) => taken.has(form)));
    if (group === undefined) groups.push((group = { names: [], taken: new Set() }));
    group.names.push(name);
    for (const form of forms) group.taken.add(form);
  }
  return groups.map((group) => group.names);
}

/** Uploads a file as a person does; its address. */
async function upload(account: Account, fileName: string, bytes: Uint8Array): Promise<string> {
  const { uri, url, headers } = await account.call(createUpload, {
    params: account.params,
    body: { fileName, bytes: bytes.length },
  });
  const answer = await fetch(url, { method: 'PUT', headers, body: new Blob([new Uint8Array(bytes)]) });
  if (!answer.ok)
    throw new Error(`the upload of ${JSON.stringify(fileName)} was answered with ${answer.status}`);
  return uri;
}

/** Longer ones are left out, and told. */
const MAX_PARQUET_NAME = 290;

/** Headers lose white space at their ends, and have 300 bytes at most. */
const fitsHeader = (name: string): boolean => name.trim() === name && Buffer.byteLength(name) <= 300;

async function fromFiles(kind: 'csv' | 'parquet'): Promise<Figures> {
  const account = await openAccount();
  const bytesOf = (names: readonly string[]): Uint8Array =>
    kind === 'csv'
      ? Buffer.from(csvOf(names))
      : new Uint8Array(
          parquetWriteBuffer({
            columnData: names.map((name) => ({
              name,
              data: Array.from({ length: ROWS }, (_, row) => marker(name, row)),
              type: 'STRING',
            })),
          }),
        );
  const uris: string[] = [];
  const made: Made[] = [];
  const columns = HOSTILE_FILE_COLUMNS.filter((name) =>
    kind === 'parquet' ? name.length <= MAX_PARQUET_NAME : fitsHeader(name),
  );
  uris.push(await upload(account, 'wide', bytesOf(columns)));
  made.push({ table: 'wide', names: columns });
  const fit = HOSTILE_NAMES.filter((fileName) => createUpload.body.safeParse({ fileName, bytes: 1 }).success);
  for (const name of some(fit, Math.min(most, 90))) {
    const uri = await upload(account, name, bytesOf(['id', 'v']));
    uris.push(uri);
    made.push({ table: uri.includes('*') ? uri : name, names: ['id', 'v'] });
  }
  const settings: SourceSettings =
    kind === 'csv' ? { kind, uris, encoding: 'utf-8', delimiter: ',' } : { kind, uris };
  return compared(kind === 'csv' ? 'CSV' : 'Parquet', account, settings, undefined, made);
}

if (values.help === true) console.log(HELP);
else if (!Number.isInteger(most) || most < 1) {
  console.error(`--tables "${values.tables}" must be a whole number.\n\n${HELP}`);
  process.exitCode = 2;
} else {
  await setup();
  try {
    const figures: Figures[] = [];
    for (const run of [fromPostgres, fromMariadb, () => fromFiles('csv'), () => fromFiles('parquet')]) {
      const found = await run();
      figures.push(found);
      const { source, tables, columns, rows, seconds, differences: wrong } = found;
      console.log(
        `${source}: ${tables} tables, ${columns} columns, ${rows} rows in ${seconds.toFixed(0)} s, ${wrong.length} differences`,
      );
      for (const one of wrong.slice(0, 40)) console.error(`  ${one}`);
    }
    console.table(
      Object.fromEntries(
        figures.map(({ source, differences: wrong, seconds, ...rest }) => [
          source,
          { ...rest, seconds: Math.round(seconds), differences: wrong.length },
        ]),
      ),
    );
    if (values.report !== undefined)
      writeFileSync(
        values.report,
        `${JSON.stringify({ bench: 'hostile-names', results: figures }, null, 2)}\n`,
      );
    process.exitCode = figures.some(({ differences: wrong }) => wrong.length > 0) ? 1 : 0;
  } finally {
    await teardown();
  }
}
