/** Which files are loaded as they are: what BigQuery and we make the same of, and nothing else. */
import type { FileMetaData, SchemaElement } from 'hyparquet';
import type { Column } from '#core/column';
import type { StoredGroup } from '../../../../functions/connectors/parquet/footer.ts';
import { passThrough } from '../../../../functions/connectors/parquet/pass-through.ts';
import { readSchema } from '../../../../functions/connectors/parquet/schema.ts';
import { planColumns } from '../../../../functions/connectors/parquet/types.ts';

const MIB = 1024 ** 2;

interface Given {
  readonly codec?: string;
  readonly encodings?: readonly string[];
  readonly groups?: number;
  readonly groupBytes?: number;
  readonly bytes?: number;
  readonly several?: boolean;
  readonly columns?: (columns: readonly Column[]) => readonly Column[];
}

function decide(elements: readonly Partial<SchemaElement>[], given: Given = {}): string | null {
  const { codec = 'ZSTD', encodings = ['PLAIN', 'RLE'], groups = 1, groupBytes = MIB } = given;
  const schema = [
    { name: 'root', num_children: elements.filter((one) => one.name !== 'inside').length },
    ...elements.map((one) => ({ name: 'c', repetition_type: 'OPTIONAL', ...one })),
  ] as FileMetaData['schema']; // what a footer's reader would have made
  const nodes = readSchema({ schema });
  const chunks = elements.map(() => ({ start: 4, end: 8, codec, values: 1, encodings }));
  const group: StoredGroup = { rows: 1, firstRow: 0, bytes: groupBytes, chunks };
  const { plans } = planColumns(nodes);
  const own = plans.map(({ column }) => column);
  return passThrough(
    { plans, nodes, groups: Array.from({ length: groups }, () => group) },
    given.bytes ?? groups * groupBytes,
    { columns: given.columns?.(own) ?? own, several: given.several ?? false },
  );
}

const decimal = (type: NonNullable<SchemaElement['type']>, precision: number, scale: number, more = {}) => ({
  type,
  precision,
  scale,
  converted_type: 'DECIMAL' as const,
  ...more,
});
const moment = (unit: 'MILLIS' | 'MICROS' | 'NANOS', isAdjustedToUTC: boolean) => ({
  type: 'INT64' as const,
  logical_type: { type: 'TIMESTAMP' as const, unit, isAdjustedToUTC },
});

test.each<[string, Partial<SchemaElement>]>([
  ['truth', { type: 'BOOLEAN' }],
  ['whole numbers', { type: 'INT32' }],
  ['small ones', { type: 'INT32', converted_type: 'INT_16' }],
  ['large ones', { type: 'INT64', logical_type: { type: 'INTEGER', bitWidth: 64, isSigned: true } }],
  ['floats', { type: 'FLOAT' }],
  ['doubles', { type: 'DOUBLE' }],
  ['days', { type: 'INT32', converted_type: 'DATE' }],
  ['text', { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }],
  ['bytes', { type: 'BYTE_ARRAY' }],
  ['bytes of one length', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 8 }],
  ['moments', moment('MICROS', true)],
  ['moments in milliseconds', moment('MILLIS', true)],
  ['clocks without a zone', moment('MICROS', false)],
  ['short decimals', decimal('INT32', 9, 2)],
  ['decimals', decimal('INT64', 18, 4)],
  ['long decimals', decimal('FIXED_LEN_BYTE_ARRAY', 38, 9, { type_length: 16 })],
  ['wide decimals', decimal('FIXED_LEN_BYTE_ARRAY', 60, 30, { type_length: 32 })],
  ['what cannot be null', { type: 'INT64', repetition_type: 'REQUIRED' }],
])('%s are taken as they are', (_, element) => {
  expect(decide([element])).toBeNull();
});

test.each<[string, Partial<SchemaElement>, RegExp]>([
  ['unsigned bytes', { type: 'INT32', converted_type: 'UINT_8' }, /is unsigned/],
  ['unsigned numbers', { type: 'INT64', converted_type: 'UINT_64' }, /is unsigned/],
  ['nanoseconds', moment('NANOS', true), /nanoseconds/],
  ['INT96', { type: 'INT96' }, /is INT96/],
  ['JSON', { type: 'BYTE_ARRAY', converted_type: 'JSON' }, /is JSON/],
  ['labels', { type: 'BYTE_ARRAY', converted_type: 'ENUM' }, /is ENUM/],
  ['text of the newer form only', { type: 'BYTE_ARRAY', logical_type: { type: 'STRING' } }, /is STRING/],
  ['times of day', { type: 'INT32', converted_type: 'TIME_MILLIS' }, /is TIME/],
  [
    'half floats',
    { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } },
    /FLOAT16/,
  ],
  ['UUIDs', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }, /is UUID/],
  ['intervals', { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 12, converted_type: 'INTERVAL' }, /is INTERVAL/],
  ['decimals wider than BIGNUMERIC', decimal('FIXED_LEN_BYTE_ARRAY', 76, 0, { type_length: 32 }), /wider/],
  ['decimals of any length', decimal('BYTE_ARRAY', 20, 2), /of any length/],
  ['decimals of more digits than bytes', decimal('INT32', 12, 2), /another shape/],
  ['what has no type', { type: 'INT32', logical_type: { type: 'NULL' } }, /are not loaded/],
  ['lists', { type: 'INT32', repetition_type: 'REPEATED' }, /is nested/],
])('%s are written anew', (_, element, why) => {
  expect(decide([element])).toMatch(why);
});

test('what tells of the file as a whole', () => {
  const id = { name: 'id', type: 'INT64' } as const;
  const required = { ...id, repetition_type: 'REQUIRED' } as const;
  expect(decide([required], { several: true })).toMatch(/column "id" is not optional/);
  expect(decide([id], { several: true })).toBeNull();
  expect(decide([id, id])).toMatch(/shares its name/);
  expect(decide([id], { codec: 'BROTLI' })).toMatch(/compressed with BROTLI/);
  expect(decide([id], { encodings: ['DELTA_BINARY_PACKED'] })).toMatch(/encoded as DELTA_BINARY_PACKED/);
  expect(decide([id], { bytes: 5 * 1024 * MIB })).toMatch(/4 GiB/);
  expect(decide([id], { groupBytes: 2000 * MIB })).toMatch(/row group/);
  expect(decide([id], { groups: 2000, groupBytes: 1000 })).toMatch(/2000 row groups/);
  expect(decide([id], { columns: () => [] })).toMatch(/other columns/);
  const narrower = (columns: readonly Column[]) =>
    columns.map((one) => ({ ...one, type: 'STRING' as const }));
  expect(decide([id], { columns: narrower })).toMatch(/another type than the table/);
});
