import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { receivingBuilder } from '#columnar/receiver';
import { makeTableWriter } from '#columnar/table-writer';
import { hashingReceiver, ValueHashes } from '#columnar/value-hashes';
import type { Column, ColumnType } from '#core/column';
import { TerminalError, TransientError } from '#core/errors';
import type { HashForm } from '#core/hashed-column';
import { makeMemorySink, readWithDuckDb, readWithHyparquet } from '#tests/parquet';
import { hashingWriter, hidingRejects, withoutQuotes } from '../../../functions/etl/hashing.ts';

const KEY = Buffer.alloc(32, 7);
const hmac = (text: string | Uint8Array) => createHmac('sha256', KEY).update(text).digest('base64url');
const column = (type: ColumnType, more: Partial<Column> = {}): Column => ({
  name: 'c',
  type,
  nullable: true,
  sourceType: type,
  ...more,
});

/** The builder of a hashed column, and what has arrived of it. */
function hashed(of: Column, form: HashForm = 'exact') {
  const arrived: (string | null)[] = [];
  const taker = {
    appendNull: () => void arrived.push(null),
    append: (bytes: Uint8Array, start: number, length: number) =>
      void arrived.push(Buffer.from(bytes.subarray(start, start + length)).toString('latin1')),
  };
  return { builder: receivingBuilder(of, hashingReceiver(of, form, new ValueHashes(KEY), taker)), arrived };
}

test('one value is one hash, whatever its type and however it came', () => {
  const five = [
    hashed(column('INT64')),
    hashed(column('NUMERIC', { precision: 12, scale: 2 })),
    hashed(column('BIGNUMERIC', { precision: 38, scale: 4 })),
    hashed(column('STRING')),
    hashed(column('FLOAT64')),
  ] as const;
  const [integer, short, long, text, float] = five.map(({ builder }) => builder);
  if (integer?.kind === 'integer') integer.appendWords(5, 0);
  if (short?.kind === 'integer') short.appendNumber(500);
  if (long?.kind === 'decimal') long.appendWords(new Uint32Array([50_000, 0, 0, 0, 9]), false);
  if (text?.kind === 'bytes') text.appendText('5');
  if (float?.kind === 'float') float.append(5);
  for (const { builder, arrived } of five) {
    builder.appendNull();
    expect(arrived).toEqual([hmac('5'), null]);
  }
});

test.each([
  ['INT64', (b) => b.kind === 'integer' && b.appendWords(-1, -1), '-1'],
  ['INT64', (b) => b.kind === 'integer' && b.appendBigInt(-(2n ** 63n)), '-9223372036854775808'],
  ['INT64', (b) => b.kind === 'integer' && b.appendWords(-4_294_967_295, 2), '8589934593'],
  ['NUMERIC', (b) => b.kind === 'decimal' && b.appendBigInt(-1_500_000_000n), '-1.5'],
  ['NUMERIC', (b) => b.kind === 'decimal' && b.appendNumber(1), '0.000000001'],
  ['BOOL', (b) => b.kind === 'bool' && b.append(true), 'true'],
  ['DATE', (b) => b.kind === 'date' && b.append(-719_162), '0001-01-01'],
  ['DATETIME', (b) => b.kind === 'integer' && b.appendNumber(-1), '1969-12-31 23:59:59.999999'],
  ['TIMESTAMP', (b) => b.kind === 'integer' && b.appendNumber(1_500_000), '1970-01-01 00:00:01.5Z'],
  ['JSON', (b) => b.kind === 'bytes' && b.appendText('{"a": 1}'), '{"a": 1}'],
] as [ColumnType, (builder: ReturnType<typeof hashed>['builder']) => unknown, string][])(
  '%s is hashed as its text',
  (type, append, text) => {
    const { builder, arrived } = hashed(column(type));
    append(builder);
    expect(arrived).toEqual([hmac(text)]);
  },
);

test('folded, an address is one however it is typed; bytes stay as they are, and what is no UTF-8 is told', () => {
  const { builder, arrived } = hashed(column('STRING'), 'folded');
  if (builder.kind !== 'bytes') throw new Error(builder.kind);
  for (const text of [' Ann@Example.ORG ', 'ann@example.org', 'E\u0301', '\u00e9']) builder.appendText(text);
  expect(arrived).toEqual([hmac('ann@example.org'), hmac('ann@example.org'), hmac('é'), hmac('é')]);
  expect(builder.appendUtf8(Buffer.from([0xff]), 0, 1)).toBe(false);
  const bytes = hashed(column('BYTES'), 'folded');
  if (bytes.builder.kind === 'bytes') bytes.builder.append(Buffer.from([0xff, 0x41]), 0, 2);
  expect(bytes.arrived).toEqual([hmac(Buffer.from([0xff, 0x41]))]);
});

test('more distinct values than are remembered, and very long ones, are hashed all the same', () => {
  const { builder, arrived } = hashed(column('STRING'));
  if (builder.kind !== 'bytes') throw new Error(builder.kind);
  const long = 'x'.repeat(2_000_000);
  for (const length of [1024, 1025]) builder.appendText('y'.repeat(length));
  expect(arrived.splice(0)).toEqual([hmac('y'.repeat(1024)), hmac('y'.repeat(1025))]);
  builder.appendText(long);
  for (let round = 0; round < 2; round++)
    for (let n = 0; n < 50_000; n += 1) builder.appendText(`customer ${n}`);
  builder.appendText(long);
  expect(arrived.at(-1)).toBe(hmac(long));
  expect(arrived[0]).toBe(hmac(long));
  for (const n of [0, 39_999, 40_000, 49_999])
    expect([arrived[1 + n], arrived[50_001 + n]]).toEqual([hmac(`customer ${n}`), hmac(`customer ${n}`)]);
});

test('neither the file, its statistics nor its rejects hold the plain value', async () => {
  const columns = [column('STRING', { name: 'email' }), column('INT64', { name: 'id' })];
  const sink = makeMemorySink();
  const plain = makeTableWriter([{ ...columns[0]!, name: 'email_' }, column('STRING', { name: 'id' })], sink);
  const writer = hashingWriter(
    plain,
    columns,
    [
      { column: 'email', form: 'exact' },
      { column: 'id', form: 'exact' },
    ],
    KEY,
  );
  expect(writer.columns.map(({ name, type }) => [name, type])).toEqual([['email_', 'STRING'], ['id', 'INT64']]); // prettier-ignore
  const [email, id] = writer.builders;
  for (const [address, number] of [
    ['ann@example.org', 424_242],
    ['bob@example.org', 424_243],
  ] as const) {
    if (email?.kind === 'bytes') email.appendText(address);
    if (id?.kind === 'integer') id.appendNumber(number);
    if (number === 424_243) writer.abandonRow();
    else writer.endRow();
  }
  const tally = await writer.close();
  expect(tally).toMatchObject({
    rows: 1,
    columns: [
      { min: null, max: null, sum: '43' },
      { min: null, max: null, sum: '43' },
    ],
  });
  expect(await readWithHyparquet(sink.bytes())).toEqual([
    { email_: hmac('ann@example.org'), id: hmac('424242') },
  ]);
  const told = JSON.stringify(await readWithDuckDb(sink.bytes(), 'SELECT * FROM parquet_metadata($path)'));
  expect(told + Buffer.from(sink.bytes()).toString('latin1')).not.toMatch(/example|42424/);
  const reject = {
    line: 3,
    column: 'email',
    reason: 'not-date',
    value: 'ann@example.org',
    message: '"ann@example.org" is no date',
  };
  const hidden = { ...reject, value: null, message: expect.not.stringContaining('ann') };
  expect(hidingRejects({ values: true, lines: false })(reject)).toEqual(hidden);
  // A line has the columns in it that are left out; a value of one that is not may be seen.
  const some = hidingRejects({ values: false, lines: true });
  expect(some(reject)).toEqual(reject);
  expect(some({ ...reject, column: null })).toEqual({ ...hidden, column: null });
  expect(hidingRejects({ values: false, lines: false })({ ...reject, column: null })).toMatchObject({
    value: 'ann@example.org',
  });
});

test('what a server says of a value that it could not read is not told; what we say is', () => {
  const said = new TerminalError('source-error', 'PostgreSQL said 22P02: invalid input "ann@example.org".', {
    cause: new Error('ann@example.org'),
  });
  const hidden = withoutQuotes(said, 'people');
  expect(inspect(hidden)).not.toContain('ann@');
  expect(hidden).toMatchObject({ code: 'source-error', message: expect.stringContaining('"people"') });
  const ours = new TransientError('connection-lost', 'The connection broke.');
  expect([withoutQuotes(ours, 'people'), withoutQuotes('x', 'people')]).toEqual([ours, 'x']);
});
