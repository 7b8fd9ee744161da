/** The SELECTs over tables that the connector writes: rows by range, ends of a key, the greatest value, a null, any row. */
import type { WireColumn, WireType } from './columns.ts';
import type { AnswerPart, Session } from './session.ts';
import { failure, rowversionText, type StoredTable, table, type TestColumn } from './tables.ts';

type Parameters = Readonly<Record<string, string | null>>;

/** What a SELECT needs of its database. */
export interface Catalog {
  visible(session: Session): readonly StoredTable[];
  read(table: StoredTable, session: Session): Iterable<readonly unknown[]>;
}

const NAME = String.raw`\[(?:[^\]]|\]\])+\]`;
const TABLE = `${NAME}\\.${NAME}`;
const EXPRESSION = new RegExp(
  `(?:CONVERT\\((?<to>\\w+)(?:\\((?<size>\\w+)\\))?, (?<cast>${NAME})(?:, \\d+)?\\)|(?<plain>${NAME})(?:\\.ToString\\(\\))?)(?:, )?`,
  'y',
);
const ENDS = new RegExp(
  `^SELECT CONVERT\\(varchar\\(20\\), MIN\\((?<column>${NAME})\\)\\) AS low, .* FROM (?<table>${TABLE})$`,
);
const MAXIMUM = new RegExp(
  `^SELECT CONVERT.*MAX\\((?<column>${NAME})\\).* AS bound FROM (?<table>${TABLE})(?: WHERE (?<where>.*))?$`,
);
const NULLS = new RegExp(
  `^SELECT TOP \\(1\\) .* AS found FROM (?<table>${TABLE})(?: WHERE (?<column>${NAME}) IS NULL)?$`,
);
const ROWS = new RegExp(`^SELECT (?<list>.*) FROM (?<table>${TABLE})(?: WHERE (?<where>.*))?$`, 's'); // prettier-ignore
const CONDITION = new RegExp(`^(?<column>${NAME}) (?<sign>>=|<=|>|<) .*@(?<parameter>\\w+)`);

export function* rowsOf(
  catalog: Catalog,
  sql: string,
  parameters: Parameters,
  session: Session,
): Iterable<AnswerPart> {
  const found = (name: string | undefined): StoredTable => {
    const of = catalog
      .visible(session)
      .find((each) => `${bracket(each.schema)}.${bracket(each.name)}` === name);
    if (of === undefined) throw failure(208, `Invalid object name '${name}'.`);
    return of;
  };
  const values = function* (of: StoredTable, where: string | undefined): Iterable<readonly unknown[]> {
    const fits = (where ?? '').split(' AND ').filter(Boolean).map((text) => condition(of, text, parameters));
    for (const row of catalog.read(of, session)) if (fits.every((fit) => fit(row))) yield row;
  }; // prettier-ignore

  const ends = ENDS.exec(sql)?.groups;
  if (ends !== undefined) {
    const of = found(ends['table']);
    const at = columnAt(of, ends['column']);
    const sorted = [...values(of, undefined)].map((row) => BigInt(String(row[at]))).toSorted(compare);
    yield* table([['low', 'varchar'], ['high', 'varchar']], [[text(sorted[0]), text(sorted.at(-1))]]);
    return;
  }
  const maximum = MAXIMUM.exec(sql)?.groups;
  if (maximum !== undefined) {
    const of = found(maximum['table']);
    const at = columnAt(of, maximum['column']);
    const column = of.columns[at]!;
    const sorted = [...values(of, maximum['where'])]
      .map((row) => row[at])
      .filter((value) => value !== null)
      .toSorted((a, b) => compare(comparable(a, column), comparable(b, column)));
    yield* table([['bound', 'varchar']], [[asBound(sorted.at(-1), column)]]);
    return;
  }
  const nulls = NULLS.exec(sql)?.groups;
  if (nulls !== undefined) {
    const of = found(nulls['table']);
    const at = nulls['column'] === undefined ? -1 : columnAt(of, nulls['column']);
    const row = values(of, undefined)[Symbol.iterator]();
    let any = false;
    for (let next = row.next(); next.done !== true && !any; next = row.next())
      any = at < 0 || next.value[at] === null;
    yield* table([['found', 'int']], any ? [[1]] : []);
    return;
  }
  const rows = ROWS.exec(sql)?.groups;
  if (rows === undefined) throw failure(102, `The test database does not understand: ${sql}`);
  const of = found(rows['table']);
  const picked = expressions(of, rows['list'] ?? '');
  yield { columns: picked.map(({ column }) => column) };
  for (const row of values(of, rows['where'])) yield { row: picked.map(({ at, column }) => converted(row[at], column)) };
} // prettier-ignore

/** The bytes of a rowversion as a number; other casts change nothing of how values are written here. */
function converted(value: unknown, { type }: WireColumn): unknown {
  return type === 'bigint' && value instanceof Uint8Array ? bytesAsNumber(value) : value;
}

function bytesAsNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

interface Picked {
  readonly at: number;
  readonly column: WireColumn;
}

function expressions(of: StoredTable, list: string): Picked[] {
  const found: Picked[] = [];
  for (EXPRESSION.lastIndex = 0; EXPRESSION.lastIndex < list.length;) {
    const groups = EXPRESSION.exec(list)?.groups;
    if (groups === undefined) throw failure(102, `The test database does not understand: ${list}`);
    const at = columnAt(of, groups['cast'] ?? groups['plain']);
    const own = of.columns[at]!;
    const size = groups['size'] === 'max' ? 'max' : Number(groups['size'] ?? 0);
    found.push({
      at,
      // A cast's name is one of the types of the wire.
      column: groups['to'] === undefined ? ownColumn(own) : { name: '', type: groups['to'] as WireType, length: size },
    }); // prettier-ignore
  }
  return found;
}

/** A column as it is, without a cast. */
function ownColumn({ name, type, length, precision, scale }: TestColumn): WireColumn {
  if (type === 'timestamp') return { name, type: 'binary', length: 8 };
  // Spatial values only ever leave by way of their text.
  if (/^(hierarchyid|geography|geometry)$/.test(type)) return { name, type: 'nvarchar', length: 'max' };
  return {
    name,
    // The catalogue's other names are those of the wire.
    type: type as WireType,
    length: length === -1 ? 'max' : (length ?? 0),
    precision: precision ?? 18,
    scale: scale ?? 0,
  };
}

function columnAt(of: StoredTable, quoted: string | undefined): number {
  const at = of.columns.findIndex(({ name }) => bracket(name) === quoted);
  if (at < 0) throw failure(207, `Invalid column name '${quoted}'.`);
  return at;
}

function condition(of: StoredTable, sql: string, parameters: Parameters): (row: readonly unknown[]) => boolean {
  const groups = CONDITION.exec(sql)?.groups;
  if (groups === undefined) throw failure(102, `The test database does not understand: ${sql}`);
  const at = columnAt(of, groups['column']);
  const column = of.columns[at]!;
  const bound = comparable(parameters[groups['parameter'] ?? ''], column);
  const fits: Readonly<Record<string, (order: number) => boolean>> = {
    '>=': (order) => order >= 0,
    '<=': (order) => order <= 0,
    '>': (order) => order > 0,
    '<': (order) => order < 0,
  };
  return (row) => row[at] !== null && fits[groups['sign'] ?? '']!(compare(comparable(row[at], column), bound));
} // prettier-ignore

/** A value of `column`, or a bound of it, as something that compares. */
function comparable(value: unknown, { type }: TestColumn): bigint | string {
  if (value instanceof Uint8Array) return bytesAsNumber(value);
  if (type.endsWith('int') || type === 'timestamp') return BigInt(String(value));
  // Every decimal and no zone: the values of a test's column have all the same.
  const [, moment = '', fraction = ''] = /^([^.+Z]*)(?:\.(\d+))?/.exec(String(value).replace('T', ' ')) ?? [];
  return `${moment.trim()}.${fraction.padEnd(7, '0')}`;
}

function compare(a: bigint | string, b: bigint | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function asBound(value: unknown, { type }: TestColumn): string | null {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return rowversionText(bytesAsNumber(value));
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string') throw new Error(`a cursor of ${typeof value}`);
  const moment = value.replace(' ', 'T');
  return type === 'datetimeoffset' ? moment.replace(' ', '') : moment;
}

function text(value: bigint | undefined): string | null {
  return value === undefined ? null : String(value);
}

function bracket(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}
