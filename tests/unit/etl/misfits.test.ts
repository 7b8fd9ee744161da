import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import { makeTableWriter, type TableWriter } from '#columnar/table-writer';
import type { Column } from '#core/column';
import { asTexts, type MisfitColumn } from '#core/misfit-policy';
import { makeMemorySink, readWithDuckDb } from '#tests/parquet';
import { lenientWriter } from '../../../functions/etl/misfits.ts';

const column = (name: string, type: Column['type'], more: Partial<Column> = {}): Column => ({
  name,
  type,
  nullable: true,
  sourceType: 'test',
  ...more,
});
const id = column('id', 'INT64');

/** A file of `columns` whose rows `fill` wrote, and what was counted. */
async function write(
  columns: readonly Column[],
  misfits: readonly MisfitColumn[],
  fill: (writer: TableWriter) => void,
) {
  const sink = makeMemorySink();
  const plain = makeTableWriter(asTexts(columns, misfits), sink);
  const { writer, counts } = lenientWriter(plain, columns, misfits);
  fill(writer);
  const tally = await writer.close();
  return { counts, tally, rows: await readWithDuckDb(sink.bytes(), 'SELECT COLUMNS(*)::VARCHAR FROM $file') };
}

function number(writer: TableWriter, index: number, value: number): void {
  const builder = writer.builders[index];
  if (builder?.kind !== 'integer' && builder?.kind !== 'date')
    throw new Error(`a builder of ${builder?.kind}`);
  if (builder.kind === 'date') builder.append(value);
  else builder.appendNumber(value);
}

const infinite = { reason: 'infinite-date', text: 'infinity' };

test('a misfit of a column that says so is null, and its row is kept; of any other it is not', async () => {
  const columns = [id, column('day', 'DATE'), column('due', 'DATE')];
  const { rows, counts } = await write(columns, [{ column: 'day', as: 'null' }], (writer) => {
    number(writer, 0, 1);
    expect(writer.mend?.(1, infinite)).toBe(true);
    number(writer, 2, 0);
    writer.endRow();
    number(writer, 0, 2);
    expect(writer.mend?.(1, infinite)).toBe(true);
    expect(writer.mend?.(2, infinite)).toBe(false);
    writer.abandonRow();
  });
  expect(rows).toEqual([{ id: '1', day: null, due: '1970-01-01' }]);
  // The row that was rejected for another column's sake is counted there.
  expect(counts).toEqual({ 'infinite-date': 1 });
});

test('a column as text has one form for what fits, and the source’s for what does not', async () => {
  const columns = [
    column('day', 'DATE'),
    column('price', 'NUMERIC', { precision: 12, scale: 2 }),
    column('at', 'TIMESTAMP'),
  ];
  const misfits = columns.map(({ name }): MisfitColumn => ({ column: name, as: 'text' }));
  const { rows, counts } = await write(columns, misfits, (writer) => {
    number(writer, 0, 19_782);
    number(writer, 1, -150);
    number(writer, 2, 1_709_195_400_000_001);
    writer.endRow();
    expect(writer.mend?.(0, { reason: 'date-out-of-range', text: '-004712-01-01' })).toBe(true);
    expect(writer.mend?.(1, { reason: 'numeric-not-finite', text: 'NaN' })).toBe(true);
    writer.builders[2]?.appendNull();
    writer.endRow();
  });
  expect(rows).toEqual([
    { day: '2024-02-29', price: '-1.5', at: '2024-02-29 08:30:00.000001Z' },
    { day: '-004712-01-01', price: 'NaN', at: null },
  ]);
  expect(counts).toEqual({ 'date-out-of-range': 1, 'numeric-not-finite': 1 });
});

test('what has no text is rejected even so', async () => {
  const { rows } = await write([column('v', 'STRING')], [{ column: 'v', as: 'text' }], (writer) => {
    expect(writer.mend?.(0, { reason: 'value-too-big', text: '17 bytes' })).toBe(false);
    expect(writer.mend?.(0, { reason: 'date-out-of-range', text: null })).toBe(false);
    expect(writer.mend?.(0, { reason: 'not-int64', text: 'x'.repeat(MAX_VALUE_BYTES + 1) })).toBe(false);
    writer.abandonRow();
  });
  expect(rows).toEqual([]);
});
