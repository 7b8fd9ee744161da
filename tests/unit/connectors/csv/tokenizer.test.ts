import * as fc from 'fast-check';
import { makeTokenizer } from '#connectors/csv/tokenizer';

interface Parsed {
  records: string[][];
  lines: number[];
  bad: { line: number; reason: string }[];
}

/** Parses `text` in pieces of `size` bytes. */
function parse(text: string | Uint8Array, size = 7, delimiter = ',', maxRecordBytes = 1000): Parsed {
  const parsed: Parsed = { records: [], lines: [], bad: [] };
  const tokenizer = makeTokenizer({
    delimiter,
    maxRecordBytes,
    onRecord: ({ bytes, count, starts, ends, line }) => {
      const fields = Array.from({ length: count }, (_, i) =>
        Buffer.from(bytes.subarray(starts[i], ends[i])).toString('utf8'),
      );
      parsed.records.push(fields);
      parsed.lines.push(line);
    },
    onBadLine: ({ line, reason }) => parsed.bad.push({ line, reason }),
  });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) tokenizer.push(bytes.subarray(at, at + size));
  tokenizer.end();
  return parsed;
}

const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;

describe('CSV text', () => {
  test('whatever is written with quotes is read back, however it is cut', () => {
    const field = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', 'é'), maxLength: 8 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(field, { minLength: 1, maxLength: 5 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (records, size, newline, endsWithNewline) => {
          const text = records.map((fields) => fields.map(quoted).join(',')).join(newline);
          const parsed = parse(endsWithNewline && text !== '' ? text + newline : text, size);
          expect(parsed.bad).toEqual([]);
          expect(parsed.records).toEqual(records);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('plain fields need no quotes; line ends of both kinds and a last line without one', () => {
    expect(parse('a,b\r\n1,\n,2').records).toEqual([['a', 'b'], ['1', ''], ['', '2']]); // prettier-ignore
    expect(parse('a\tb c\n', 1, '\t').records).toEqual([['a', 'b c']]);
    expect(parse('').records).toEqual([]);
    expect(parse('x').records).toEqual([['x']]);
    expect(parse(',').records).toEqual([['', '']]);
    expect(parse('5" pipe,6"\n').records).toEqual([['5" pipe', '6"']]);
  });

  test('lines are numbered through quoted line breaks', () => {
    expect(parse('h\n"a\nb\nc"\nd\n').lines).toEqual([1, 2, 5]);
  });

  test.each([
    ['a\n"open\nb\nc\n', [['a'], ['b'], ['c']], [{ line: 2, reason: 'unclosed-quote' }]],
    ['a\n"x"y,1\nb\n', [['a'], ['b']], [{ line: 2, reason: 'text-after-quote' }]],
    ['a\n"x,1\n"y",2\nb\n', [['a'], ['y', '2'], ['b']], [{ line: 2, reason: 'text-after-quote' }]],
    ['"', [], [{ line: 1, reason: 'unclosed-quote' }]],
    [`a\n${'x'.repeat(3000)}\nb\n`, [['a'], ['b']], [{ line: 2, reason: 'line-too-long' }]],
    [`a\n"${'x\n'.repeat(3)}${'y'.repeat(3000)}\nb`, [['a'], ['x'], ['x'], ['b']], [
      { line: 2, reason: 'line-too-long' }, { line: 5, reason: 'line-too-long' },
    ]],
  ])('%j costs the broken line only', (text, records, bad) => {
    for (const size of [1, 5, 64, 10_000]) {
      const parsed = parse(text, size);
      expect(parsed.records).toEqual(records);
      expect(parsed.bad).toEqual(bad);
    }
  }); // prettier-ignore

  test('arbitrary bytes never stop it, and no line is counted twice', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (bytes, size) => {
        const parsed = parse(bytes, size);
        const all = [...parsed.lines, ...parsed.bad.map(({ line }) => line)];
        expect(new Set(all).size).toBe(all.length);
        expect(parse(bytes, 1000)).toEqual(parsed);
      }),
      { numRuns: 500 },
    );
  });
});
