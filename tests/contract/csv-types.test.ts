/** Every type of delimited text into the warehouse's, and what each refuses. */
import { csv } from '#connectors/csv/csv';
import type { Column } from '#core/column';
import { extractAll, makeMemoryObjects, makeTestContext } from '#tests/connectors';
import { extractLenient } from '#tests/lenient';
import { readWithDuckDb } from '#tests/parquet';
import { openLedger, rejectedAs } from '#tests/types-ledger';

const ledger = openLedger('Delimited text');
afterAll(() => ledger.close());

const uri = 'gs://files/types.csv';

/** The only column of a file of these lines, as it is guessed or as it was `agreed`. */
async function read(lines: readonly (string | Uint8Array)[], agreed?: Column) {
  const objects = makeMemoryObjects();
  objects.put(uri, Buffer.concat(['v', ...lines].flatMap((line) => [Buffer.from(line), Buffer.from('\n')])));
  const access = { settings: { kind: 'csv', uris: [uri], encoding: 'utf-8' }, credentials: null } as const;
  const session = await csv.connect(
    { ...access, settings: { ...access.settings, uris: [uri] } },
    makeTestContext(objects),
    new AbortController().signal,
  );
  await session.openSnapshot();
  const { columns } = await session.describe('types.csv');
  const wanted = agreed === undefined ? columns : [agreed];
  const units = await session.planUnits('types.csv', { targetBytes: 1e9 });
  const { files, rejects } = await extractAll(session, units, wanted);
  const rows = await readWithDuckDb(files[0]!, 'SELECT COLUMNS(*)::VARCHAR FROM $file');
  return { type: wanted[0]?.type ?? '', rows: rows.map(({ v }) => v), rejects };
}

/** Fields of one column, the type that is guessed of them, and how DuckDB writes what arrived; no fields: as they are. */
const fidelity: readonly [fields: readonly string[], type: Column['type'], arrived?: readonly string[]][] = [
  [['-9223372036854775808', '9223372036854775807', '0'], 'INT64'],
  [['9223372036854775808', '1'], 'NUMERIC', ['9223372036854775808.000000000', '1.000000000']],
  [['99999999999999999999999999999.999999999', '-0.000000001'], 'NUMERIC'],
  [['12345678901234567890123456789012345678901234567890', '1'], 'STRING'],
  [['1.5e-7', '-2.25e10'], 'FLOAT64', ['1.5e-07', '-22500000000.0']],
  [['0.12345678901234567', '0.5'], 'STRING'],
  [['NaN', '1'], 'FLOAT64', ['nan', '1.0']],
  [['-Infinity', '1'], 'STRING'],
  [['007', '12'], 'STRING'],
  [['true', 'FALSE'], 'BOOL', ['true', 'false']],
  [['0001-01-01', '9999-12-31', '2024-02-29'], 'DATE'],
  [['31.01.2024', '1.2.2024'], 'DATE', ['2024-01-31', '2024-02-01']],
  [['0000-00-00', '2024-01-01'], 'STRING'],
  [['10000-01-01', '2024-01-01'], 'STRING'],
  [['2024-02-29 23:59:59.999999', '0001-01-01 00:00:00'], 'DATETIME', ['2024-02-29 23:59:59.999999+00', '0001-01-01 00:00:00+00']],
  [['2024-02-29T10:00:00.000001+02:00', '9999-12-31 23:59:59Z'], 'TIMESTAMP', ['2024-02-29 08:00:00.000001+00', '9999-12-31 23:59:59+00']],
  [['23:59:59', '00:00:00'], 'STRING'],
  [['P1Y2D', 'P3M'], 'STRING'],
  [['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], 'STRING'],
  [['"{""a"": 123456789012345678901}"'], 'STRING', ['{"a": 123456789012345678901}']],
  [['grüße 🎉', '"a\n""b"""', "it's", '\\N', 'NULL'], 'STRING', ['grüße 🎉', 'a\n"b"', "it's", '\\N', 'NULL']],
  [['é'.repeat(4 * 1024 * 1024)], 'STRING'],
]; // prettier-ignore

test.each(fidelity)('%j', async (fields, type, arrived = fields) => {
  const found = await read(fields);
  fields.forEach((value, at) =>
    ledger.add({ type: 'text', value, warehouse: found.type, expected: arrived[at] ?? '', obtained: String(found.rows[at]) }),
  ); // prettier-ignore
  expect(found.rejects).toEqual([]);
  expect({ type: found.type, rows: found.rows }).toEqual({ type, rows: arrived });
});

/** What a column refuses that was found to be of that type. */
const misfits: readonly [type: Column['type'], field: string | Uint8Array, reason: string][] = [
  ['INT64', '9223372036854775808', 'not-int64'],
  ['INT64', '1.5', 'not-int64'],
  ['INT64', '007', 'not-int64'],
  ['NUMERIC', 'NaN', 'not-numeric'],
  ['NUMERIC', '1'.repeat(50), 'not-numeric'],
  ['NUMERIC', '0.0000000001', 'not-numeric'],
  ['NUMERIC', '"1,5"', 'not-numeric'],
  ['FLOAT64', '1e999', 'not-float64'],
  ['BOOL', 'yes', 'not-bool'],
  ['DATE', '2023-02-29', 'not-date'],
  ['DATE', '0000-00-00', 'not-date'],
  ['DATE', '10000-01-01', 'not-date'],
  ['DATE', '4713-01-01 BC', 'not-date'],
  ['DATETIME', '2024-01-01 24:00:00', 'not-datetime'],
  ['TIMESTAMP', '2024-01-01 00:00:00', 'not-timestamp'],
  ['TIMESTAMP', 'infinity', 'not-timestamp'],
  ['STRING', Uint8Array.of(0x61, 0xff), 'invalid-utf8'],
];

test.each(misfits)('%s refuses %s as %s', async (type, field, reason) => {
  const column: Column = { name: 'v', type, nullable: true, sourceType: 'csv' };
  const { rejects } = await read([field], column);
  const value = typeof field === 'string' ? field : `0x${Buffer.from(field).toString('hex')}`;
  ledger.add({ type: 'text', value, warehouse: type, expected: rejectedAs(reason), obtained: rejectedAs(rejects[0]?.reason ?? 'no') }); // prettier-ignore
  expect(rejects.map((one) => one.reason)).toEqual([reason]);
});

test('a misfit in a column that may be null, or is text, costs no row', async () => {
  const objects = makeMemoryObjects();
  objects.put(uri, 'id,a,b\n1,2024-02-29,5\n2,2023-02-29,x\n');
  const access = {
    settings: { kind: 'csv' as const, uris: [uri], encoding: 'utf-8' as const },
    credentials: null,
  };
  const session = await csv.connect(access, makeTestContext(objects), new AbortController().signal);
  await session.openSnapshot();
  const column = (name: string, type: Column['type']): Column => ({
    name,
    type,
    nullable: true,
    sourceType: 'csv',
  });
  const columns = [column('id', 'INT64'), column('a', 'DATE'), column('b', 'INT64')];
  const units = await session.planUnits('types.csv', { targetBytes: 1e9 });
  const found = await extractLenient(session, units, columns, [
    { column: 'a', as: 'text' },
    { column: 'b', as: 'null' },
  ]);
  expect(found.rejects).toEqual([]);
  expect(found.rows).toEqual([
    { id: '1', a: '2024-02-29', b: '5' },
    { id: '2', a: '2023-02-29', b: null },
  ]);
  expect(found.counts).toEqual({ 'not-date': 1, 'not-int64': 1 });
});
