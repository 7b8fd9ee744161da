/** Filters that we carry out ourselves, and what becomes of samples. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { csv } from '#connectors/csv/csv';
import { parquet } from '#connectors/parquet/parquet';
import type { SourceSession } from '#connectors/connector';
import type { RowFilter } from '#core/row-filter';
import { typeFilter } from '#core/typed-filter';
import { extractAll, makeMemoryObjects, makeTestContext } from '#tests/connectors';
import { COUNTRY, FILTER_CASES, FILTERED_COLUMNS, FILTERED_ROWS, takenIds } from '#tests/filter-cases';
import { readWithHyparquet } from '#tests/parquet';

const objects = makeMemoryObjects();
const never = new AbortController().signal;

async function open(kind: 'csv' | 'parquet', uri: string): Promise<SourceSession> {
  const settings = kind === 'csv' ? { kind, uris: [uri], encoding: 'utf-8' as const } : { kind, uris: [uri] };
  const connector = kind === 'csv' ? csv : parquet;
  const session = await connector.connect({ settings, credentials: null }, makeTestContext(objects), never);
  await session.openSnapshot();
  return session;
}

test('text files: as the databases choose them', async () => {
  const quoted = (value: string | null) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);
  // A number with an exponent has a point, or it is a code.
  const written = (value: string | null, index: number) =>
    value === null
      ? null
      : index === 8
        ? `${value}Z`
        : /^-?\d+e/.test(value)
          ? value.replace('e', '.0e')
          : value;
  const lines = [FILTERED_COLUMNS.map(([name]) => name), ...FILTERED_ROWS.map((row) => row.map(written))];
  objects.put('gs://shop/rows.csv', lines.map((line) => line.map(quoted).join(',')).join('\n'));
  const session = await open('csv', 'gs://shop/rows.csv');
  const { columns } = await session.describe('rows.csv');
  expect(columns.map(({ type }) => type)).toEqual([
    'INT64',
    'NUMERIC',
    'FLOAT64',
    'FLOAT64',
    'STRING',
    'STRING',
    'DATE',
    'DATETIME',
    'TIMESTAMP',
  ]);
  for (const [filter, ids] of FILTER_CASES)
    expect([filter, await takenIds(session, 'rows.csv', filter)]).toEqual([filter, ids]);
});

test('Parquet: as the databases choose them, also by single precision', async () => {
  const moment = (text: string | null | undefined) =>
    text == null ? null : BigInt(Date.parse(`${text.replace(' ', 'T')}Z`)) * 1000n + BigInt(text.slice(23));
  const column = (index: number) => FILTERED_ROWS.map((row) => row[index] ?? null);
  const numbers = (index: number) => column(index).map((value) => (value === null ? null : Number(value)));
  const bytes = parquetWriteBuffer({
    codec: 'UNCOMPRESSED',
    rowGroupSize: 4,
    schema: [
      { name: 'root', num_children: 9 },
      { name: 'id', type: 'INT64', repetition_type: 'REQUIRED' },
      {
        name: 'price',
        type: 'INT64',
        repetition_type: 'OPTIONAL',
        converted_type: 'DECIMAL',
        scale: 3,
        precision: 12,
      },
      { name: 'weight', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
      { name: 'small', type: 'FLOAT', repetition_type: 'OPTIONAL' },
      { name: COUNTRY, type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', converted_type: 'UTF8' },
      { name: 'code', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', converted_type: 'UTF8' },
      { name: 'day', type: 'INT32', repetition_type: 'OPTIONAL', converted_type: 'DATE' },
      {
        name: 'at',
        type: 'INT64',
        repetition_type: 'OPTIONAL',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' },
      },
      {
        name: 'changed',
        type: 'INT64',
        repetition_type: 'OPTIONAL',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      },
    ],
    columnData: [
      { name: 'id', data: column(0).map((id) => BigInt(id ?? 0)) },
      { name: 'price', data: numbers(1) },
      { name: 'weight', data: numbers(2) },
      { name: 'small', data: numbers(3) },
      { name: COUNTRY, data: column(4) },
      { name: 'code', data: column(5) },
      { name: 'day', data: column(6).map((day) => (day === null ? null : new Date(`${day}T00:00:00Z`))) },
      { name: 'at', data: column(7).map(moment) },
      { name: 'changed', data: column(8).map(moment) },
    ],
  });
  objects.put('gs://shop/rows.parquet', new Uint8Array(bytes));
  const session = await open('parquet', 'gs://shop/rows.parquet');
  for (const [filter, ids] of FILTER_CASES)
    expect([filter, await takenIds(session, 'rows.parquet', filter)]).toEqual([filter, ids]);
});

test('a value that is not of its column’s type leaves the row out by name, where the choice depends on it', async () => {
  objects.put(
    'gs://shop/odd.csv',
    `id,day,note\n${'1,2024-01-01,a\n'.repeat(30)}2,never,b\n3,2020-01-01,c\n`,
  );
  const session = await open('csv', 'gs://shop/odd.csv');
  const columns = [
    { name: 'id', type: 'INT64', nullable: true, sourceType: 'csv' },
    { name: 'day', type: 'DATE', nullable: true, sourceType: 'csv' },
  ] as const;
  const filter: RowFilter = {
    match: 'all',
    conditions: [{ column: 'day', operator: 'lt', value: '2024-01-01' }],
  };
  const typed = typeFilter(filter, columns, 0);
  if ('problem' in typed) throw new Error(typed.problem.message);
  const units = await session.planUnits('odd.csv', { targetBytes: 1e9 });
  const { files, rejects } = await extractAll(session, units, columns.slice(0, 1), never, {
    filter: typed.filter,
  });
  expect(await readWithHyparquet(files[0]!)).toMatchObject([{ id: 3n }]);
  expect(rejects).toMatchObject([{ line: 32, column: 'day', reason: 'not-date', value: 'never' }]);
});

test('a sample takes so many rows in one unit, of several files as of one', async () => {
  for (const part of [1, 2, 3])
    objects.put(
      `gs://shop/many/${part}.csv`,
      `id\n${Array.from({ length: 40 }, (_, row) => part * 100 + row).join('\n')}`,
    );
  const session = await open('csv', 'gs://shop/many/*.csv');
  const [{ name } = { name: '' }] = await session.listTables();
  const { columns } = await session.describe(name);
  const units = await session.planUnits(name, { targetBytes: 1, limit: 50 });
  expect(units).toHaveLength(1);
  const { tally } = await extractAll(session, units, columns, never, { limit: 50 });
  expect(tally).toMatchObject({ rows: 50, columns: [{ min: '100', max: '209' }] });
});
