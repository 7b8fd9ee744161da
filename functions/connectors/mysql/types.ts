/**
 * How MySQL's and MariaDB's types become the warehouse's: pure decisions over facts of the catalogue. Values come as the
 * server writes them in the text protocol; where that would lose something, the SELECT asks for another form.
 */
import type { Column, ColumnType } from '#core/column';
import { decimalType } from '../decimal-type.ts';
import { quoteName } from './names.ts';

/** A column as the catalogue has it. */
export interface CatalogColumn {
  readonly name: string;
  /** `DATA_TYPE`: `int`, `varchar`, `point`. */
  readonly dataType: string;
  /** `COLUMN_TYPE`: what people call it, with sign and width. */
  readonly columnType: string;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly notNull: boolean;
  /** MariaDB keeps JSON as text with a check that it is JSON. */
  readonly checkedJson: boolean;
}

/** How the text of a field is read. */
export type TextForm = 'integer' | 'decimal' | 'single' | 'double' | 'date' | 'moment' | 'text' | 'bytes';

/** A column, the expression that selects it, and the form its values then have. */
export interface ColumnPlan {
  readonly column: Column;
  readonly expression: string;
  readonly form: TextForm;
}

interface Mapping {
  readonly type: ColumnType;
  readonly form: TextForm;
  readonly shape?: { readonly precision: number; readonly scale: number };
  /** What is selected; `%` stands for the quoted column. */
  readonly select?: string;
}

const integer: Mapping = { type: 'INT64', form: 'integer' };
const text: Mapping = { type: 'STRING', form: 'text' };
const bytes: Mapping = { type: 'BYTES', form: 'bytes' };
const json: Mapping = { type: 'JSON', form: 'text' };
/** 2^64 − 1 has twenty digits. */
const unsignedBig: Mapping = { type: 'NUMERIC', form: 'decimal', shape: { precision: 20, scale: 0 } };
/** The text of a single has six digits, that of a double all it needs. */
const single: Mapping = { type: 'FLOAT64', form: 'single', select: '% * 1e0' };
/** Of DOUBLE(M,D) the text would have D decimals. */
const double: Mapping = { type: 'FLOAT64', form: 'double', select: '% * 1e0' };
const geometry: Mapping = { ...text, select: 'ST_AsText(%)' };
/** Types of versions to come: the server knows how to write them. */
const unknown: Mapping = { ...text, select: 'CAST(% AS CHAR CHARACTER SET utf8mb4)' };

const direct: Readonly<Record<string, Mapping>> = {
  tinyint: integer,
  smallint: integer,
  mediumint: integer,
  int: integer,
  bigint: integer,
  year: integer,
  float: single,
  double,
  char: text,
  varchar: text,
  tinytext: text,
  text,
  mediumtext: text,
  longtext: text,
  enum: text,
  set: text,
  // −838:59:59 to 838:59:59: a span, not the warehouse's time of a day.
  time: text,
  uuid: text,
  inet4: text,
  inet6: text,
  json,
  date: { type: 'DATE', form: 'date' },
  datetime: { type: 'DATETIME', form: 'moment' },
  timestamp: { type: 'TIMESTAMP', form: 'moment' },
  bit: bytes,
  binary: bytes,
  varbinary: bytes,
  tinyblob: bytes,
  blob: bytes,
  mediumblob: bytes,
  longblob: bytes,
  vector: bytes,
};

const geometries = new Set(
  'geometry point linestring polygon multipoint multilinestring multipolygon geometrycollection geomcollection'.split(
    ' ',
  ),
);

function mappingOf({ dataType, columnType, precision, scale, checkedJson }: CatalogColumn): Mapping {
  if (checkedJson) return json;
  if (dataType === 'bigint' && / unsigned/.test(columnType)) return unsignedBig;
  if (dataType === 'decimal') {
    const decimals = scale ?? 0;
    return { ...decimalType(Math.max((precision ?? 65) - decimals, 0), decimals), form: 'decimal' };
  }
  if (geometries.has(dataType)) return geometry;
  return direct[dataType] ?? unknown;
}

/** The plan for one column. */
export function planColumn(found: CatalogColumn): ColumnPlan {
  const { type, form, shape, select } = mappingOf(found);
  const quoted = quoteName(found.name);
  return {
    column: {
      name: found.name,
      type,
      nullable: !found.notNull,
      ...shape,
      sourceType: found.columnType.slice(0, 300),
    },
    expression: select === undefined ? quoted : select.replace('%', () => quoted),
    form,
  };
}

/** What people should know of how these columns are loaded. */
export function typeNotes(columns: readonly CatalogColumn[]): string[] {
  const named = (fits: (column: CatalogColumn) => boolean): string =>
    columns
      .filter(fits)
      .map(({ name }) => name)
      .join(', ');
  const flags = named(({ columnType }) => columnType.startsWith('tinyint(1)'));
  const shapes = named(({ dataType }) => geometries.has(dataType));
  const spans = named(({ dataType }) => dataType === 'time');
  return [
    ...(flags === ''
      ? []
      : [`Loaded as whole numbers, because TINYINT(1) may hold others than 0 and 1: ${flags}.`]),
    ...(spans === '' ? [] : [`Loaded as text, because TIME may be negative or longer than a day: ${spans}.`]),
    ...(shapes === '' ? [] : [`Loaded as text (WKT), without their reference system: ${shapes}.`]),
  ];
}
