import * as fc from 'fast-check';
import { makeDecoder } from '#connectors/mysql/values';
import { planColumn } from '#connectors/mysql/types';
import { makeTableWriter } from '#columnar/table-writer';
import { makeMemorySink, readWithDuckDb } from '#tests/parquet';

interface Facts {
  readonly precision?: number;
  readonly scale?: number;
}

/** Decodes `values`, which the server writes as this text, into a file; what is in it, and the reasons of the others. */
async function decode(columnType: string, values: readonly string[], { precision, scale }: Facts = {}) {
  const plan = planColumn({
    name: 'v',
    dataType: columnType.replace(/[( ].*/, ''),
    columnType,
    precision: precision ?? null,
    scale: scale ?? null,
    notNull: false,
    checkedJson: false,
  });
  const sink = makeMemorySink();
  const writer = makeTableWriter([plan.column], sink);
  const take = makeDecoder(plan, writer.builders[0]!);
  const reasons: string[] = [];
  for (const value of values) {
    // In the middle of other bytes, as it comes.
    const bytes = Buffer.from(`9${value}9`, 'latin1');
    const problem = take(bytes, 1, bytes.length - 1);
    if (problem === null) writer.endRow();
    else {
      writer.abandonRow();
      reasons.push(problem.reason);
    }
  }
  const { columns } = await writer.close();
  const rows = await readWithDuckDb(sink.bytes(), 'SELECT v::VARCHAR AS v FROM $file');
  return { kept: rows.map(({ v }) => v), reasons, figures: columns[0] };
}

test('whole numbers of any length, and only those', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), async (numbers) => {
      const texts = numbers.map(String);
      expect(await decode('bigint', texts)).toMatchObject({ kept: texts, reasons: [] });
    }),
    { numRuns: 12 },
  );
  expect(
    await decode('bigint', ['', '-', '1.5', '1e3', ' 1', '9223372036854775808', '-9223372036854775809', '--1']),
  ).toMatchObject({
    kept: [],
    reasons: ['no-number', 'no-number', 'no-number', 'no-number', 'no-number', 'numeric-overflow', 'numeric-overflow', 'no-number'],
  }); // prettier-ignore
});

test.each([
  [12, 2],
  [18, 18],
  [19, 0],
  [38, 9],
  [38, 28],
  [65, 30],
])('decimals of %i digits, %i of them decimals', async (precision, scale) => {
  const limit = 10n ** BigInt(precision);
  const text = (value: bigint): string => {
    const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
    const whole = digits.slice(0, digits.length - scale);
    return `${value < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
  };
  await fc.assert(
    fc.asyncProperty(fc.bigInt({ min: 1n - limit, max: limit - 1n }), fc.boolean(), async (number, short) => {
      const value = short ? number / 10n ** BigInt(precision >> 1) : number;
      const answer = await decode(`decimal(${precision},${scale})`, [text(value), text(-value)], { precision, scale });
      const [min, max] = (value < 0n ? [value, -value] : [-value, value]).map(String);
      expect(answer).toMatchObject({ reasons: [], figures: { min, max, sum: '0', nulls: 0 } });
    }),
    { numRuns: 25 },
  );
}); // prettier-ignore

test('what is no decimal, or not of this shape', async () => {
  const odd: readonly [string, string][] = [
    ['', 'no-number'], ['-', 'no-number'], ['.', 'no-number'], ['1.2.3', 'no-number'], ['1e5', 'no-number'],
    ['1'.repeat(81), 'no-number'], ['0.001', 'numeric-inexact'], ['1'.repeat(30) + '.001', 'numeric-inexact'],
    ['12345678901', 'numeric-overflow'], ['99999999999.99', 'numeric-overflow'], ['1' + '0'.repeat(20), 'numeric-overflow'],
  ];
  const shape = { precision: 12, scale: 2 };
  for (const [text, reason] of odd)
    expect([text, (await decode('decimal(12,2)', [text], shape)).reasons]).toEqual([text, [reason]]);
  const { kept } = await decode('decimal(12,2)', ['7', '.5', '-00000000000000000001.50', '0'.repeat(60), '9999999999.99'], shape);
  expect(kept).toEqual(['7.00', '0.50', '-1.50', '0.00', '9999999999.99']);
}); // prettier-ignore

test('every day of the calendar, and no other', async () => {
  const first = Date.parse('0001-01-01T00:00:00Z');
  const days = Array.from({ length: 4004 }, (_, index) =>
    new Date(first + index * 912 * 86_400_000).toISOString().slice(0, 10),
  );
  expect(await decode('date', days)).toMatchObject({ kept: days, reasons: [] });
  const none = ['2024-1-01', '2024/01/01', '2024-01-01 ', '02024-01-1', '2024-13-01', '1900-02-29', '0000-01-01'];
  expect((await decode('date', none)).reasons).toEqual(
    ['no-date', 'no-date', 'no-date', 'no-date', 'impossible-date', 'impossible-date', 'date-out-of-range'],
  );
}); // prettier-ignore

test('moments to the microsecond, near and far', async () => {
  const moments = ['1685-01-01 00:00:00.000001', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '1969-12-31 23:59:59.5', '2262-04-12 23:47:16.854776'];
  expect(await decode('datetime(6)', moments)).toMatchObject({ kept: moments.map((moment) => `${moment}+00`), reasons: [] });
  const none = ['2024-01-01', '2024-01-01 24:00:00', '2024-01-01 00:60:00', '2024-01-01T00:00:00', '2024-01-01 00:00:00.', '2024-01-01 00:00:00.1234567', '2024-01-01 00:00:0x'];
  expect(await decode('datetime(6)', none)).toMatchObject({ kept: [], reasons: none.map(() => 'no-date') });
}); // prettier-ignore

test('text is UTF-8, however long', async () => {
  const surrogate = '\u00ed\u00a0\u0080';
  const { kept, reasons } = await decode('text', ['plain', surrogate, `${'x'.repeat(300)}${surrogate}`, '']);
  expect(kept).toEqual(['plain', '']);
  expect(reasons).toEqual(['invalid-utf8', 'invalid-utf8']);
});
