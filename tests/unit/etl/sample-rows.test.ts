import { makeTableWriter } from '#columnar/table-writer';
import type { Column } from '#core/column';
import { makeMemorySink } from '#tests/parquet';
import { decimalText, readSample, toText } from '../../../functions/etl/sample-rows.ts';

test.each([
  [1250n, 3, '1.25'],
  [-5n, 2, '-0.05'],
  [0n, 9, '0'],
  [new Uint8Array([0xff, 0x38]), 2, '-2'],
  [new Uint8Array([0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0x00, 0x01]), 18, '1.000000000000000001'],
])('%p with %p decimals is %p', (value, scale, text) => {
  expect(decimalText(value, scale)).toBe(text);
});

test('values are cut, bytes are hex, nothing is nothing', () => {
  expect(toText('x'.repeat(300))).toBe(`${'x'.repeat(199)}…`);
  expect(toText(new Uint8Array([1, 255]))).toBe('0x01ff');
  expect(toText(null)).toBeNull();
});

test('rows are read back as they were written, hidden columns without their values', async () => {
  const sink = makeMemorySink();
  const columns: Column[] = [
    { name: 'id', type: 'INT64', nullable: false, sourceType: 'int8' },
    { name: 'mail', type: 'STRING', nullable: true, sourceType: 'text' },
  ];
  const writer = makeTableWriter(columns, sink);
  for (const [id, mail] of [
    [1, 'a@example.com'],
    [2, null],
  ] as const) {
    const [first, second] = writer.builders;
    if (first?.kind !== 'integer' || second?.kind !== 'bytes') throw new Error('other builders');
    first.appendNumber(id);
    if (mail === null) second.appendNull();
    else second.appendText(mail);
    writer.endRow();
  }
  await writer.close();
  const read = (hidden: string[]) => readSample(sink.bytes(), ['id', 'mail'], new Set(hidden));
  expect(await read([])).toEqual([
    ['1', 'a@example.com'],
    ['2', null],
  ]);
  expect(await read(['mail'])).toEqual([
    ['1', null],
    ['2', null],
  ]);
});
