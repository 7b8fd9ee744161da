/**
 * How SQL Server's types become the warehouse's: pure decisions over catalogue facts.
 *
 * A value is read as the wire has it where the driver keeps every bit of it, which is also the cheapest:
 *
 * - Whole numbers, `bit` and floating point; `bigint`, which the driver gives as digits.
 * - `date`, `time`, `datetime`, `smalldatetime` and moments of up to six decimals: the driver is told to read them as UTC,
 *   so its `Date` is a count of milliseconds and no zone has any say; what lies below them comes beside it.
 * - Binary values, GUIDs, and `nchar` and `nvarchar`, whose text is UTF-16 on the wire.
 *
 * The rest is converted in the SELECT:
 *
 * - `decimal`, `numeric` and money to text: the driver would make doubles of them, and a double has 15 digits.
 * - `char` and `varchar` to `nvarchar`: the server knows all its code pages, the driver most of them.
 * - `rowversion` to a number, which it is in all but its type.
 * - Moments of seven decimals to text, which keeps the 100 nanoseconds that the warehouse's types have no place for.
 * - `xml`, `text`, `json` and spatial types to text, where the server knows best how to write them.
 */
import type { Column, ColumnType } from '#core/column';
import { decimalType } from '../decimal-type.ts';
import { bracket } from './names.ts';

/** A column as the catalogue has it; a type that the customer named is resolved to the system's. */
export interface CatalogColumn {
  readonly name: string;
  /** `decimal`, `nvarchar`, `hierarchyid`; `timestamp` is what documents call rowversion. */
  readonly typeName: string;
  /** In bytes; −1: no limit. */
  readonly maxLength: number;
  readonly precision: number;
  readonly scale: number;
  readonly nullable: boolean;
  /** Always Encrypted: the server itself cannot read it. */
  readonly encrypted: boolean;
}

/** How a value arrives from the driver. */
export type ValueForm =
  | 'integer'
  | 'bigint'
  | 'bool'
  | 'float'
  | 'single'
  | 'decimal'
  | 'text'
  | 'moment-text'
  | 'bytes'
  | 'date'
  | 'moment'
  | 'time';

/** A column, the expression that selects it, and the form its values then have. */
export interface ColumnPlan {
  readonly column: Column;
  /** The catalogue's type, which says how a cursor of it is bounded. */
  readonly typeName: string;
  readonly expression: string;
  readonly form: ValueForm;
  /** What people should know of it. */
  readonly note: string | null;
}

/** A column that is not read, and why. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

interface Mapping {
  readonly type: ColumnType;
  readonly form: ValueForm;
  /** In the SELECT; `%` stands for the quoted column. */
  readonly cast?: string;
  readonly shape?: { readonly precision: number; readonly scale: number };
  readonly note?: string;
}

const asText: Mapping = { type: 'STRING', form: 'text', cast: 'CONVERT(nvarchar(max), %)' };
const spatial: Mapping = {
  type: 'STRING',
  form: 'text',
  cast: '%.ToString()',
  note: 'is read as well-known text, which does not tell its spatial reference',
};

const direct: Readonly<Record<string, Mapping>> = {
  tinyint: { type: 'INT64', form: 'integer' },
  smallint: { type: 'INT64', form: 'integer' },
  int: { type: 'INT64', form: 'integer' },
  bigint: { type: 'INT64', form: 'bigint' },
  bit: { type: 'BOOL', form: 'bool' },
  real: { type: 'FLOAT64', form: 'single' },
  float: { type: 'FLOAT64', form: 'float' },
  // Style 2 writes all four decimals; the default would round to two.
  money: { type: 'NUMERIC', form: 'decimal', cast: 'CONVERT(varchar(24), %, 2)', shape: { precision: 19, scale: 4 } },
  smallmoney: { type: 'NUMERIC', form: 'decimal', cast: 'CONVERT(varchar(24), %, 2)', shape: { precision: 10, scale: 4 } },
  nchar: { type: 'STRING', form: 'text' },
  nvarchar: { type: 'STRING', form: 'text' },
  text: asText,
  ntext: asText,
  xml: asText,
  vector: asText,
  json: { ...asText, type: 'JSON' },
  uniqueidentifier: { type: 'STRING', form: 'text' },
  hierarchyid: { type: 'STRING', form: 'text', cast: '%.ToString()' },
  geography: spatial,
  geometry: spatial,
  binary: { type: 'BYTES', form: 'bytes' },
  varbinary: { type: 'BYTES', form: 'bytes' },
  image: { type: 'BYTES', form: 'bytes', cast: 'CONVERT(varbinary(max), %)' },
  // Eight bytes that count up, the highest first: as a number it keeps its order, and may be chosen as a cursor.
  timestamp: { type: 'INT64', form: 'bigint', cast: 'CONVERT(bigint, %)' },
  date: { type: 'DATE', form: 'date' },
  // Stored in 1/300 s and shown by the server in milliseconds, as the driver rounds it too.
  datetime: { type: 'DATETIME', form: 'moment' },
  smalldatetime: { type: 'DATETIME', form: 'moment' },
}; // prettier-ignore

/** The plan for one column, or why there is none. */
export function planColumn(found: CatalogColumn): ColumnPlan | LeftOut {
  if (found.encrypted) return { name: found.name, why: 'only your applications can decrypt it' };
  if (found.typeName === 'sql_variant')
    return { name: found.name, why: 'a sql_variant may be of another type in every row' };
  const mapping = mappingOf(found);
  if (mapping === null) return { name: found.name, why: `the type ${found.typeName} has no text of its own` };
  const quoted = bracket(found.name);
  return {
    column: {
      name: found.name,
      type: mapping.type,
      nullable: found.nullable,
      ...mapping.shape,
      sourceType: shownType(found).slice(0, 300),
    },
    typeName: found.typeName,
    expression: mapping.cast === undefined ? quoted : mapping.cast.replace('%', () => quoted),
    form: mapping.form,
    note: mapping.note === undefined ? null : `"${found.name}" ${mapping.note}.`,
  };
}

function mappingOf(found: CatalogColumn): Mapping | null {
  switch (found.typeName) {
    case 'decimal':
    case 'numeric':
      return decimalMapping(found);
    case 'char':
    case 'varchar': {
      // A byte is a character at most; nvarchar ends at 4,000 of them.
      const room = found.maxLength > 0 && found.maxLength <= 4000 ? String(found.maxLength) : 'max';
      return { type: 'STRING', form: 'text', cast: `CONVERT(nvarchar(${room}), %)` };
    }
    case 'datetime2':
      return found.scale > 6 ? fine(27) : { type: 'DATETIME', form: 'moment' };
    case 'datetimeoffset': {
      if (found.scale > 6) return fine(34);
      const note = 'keeps its moment, not the offset from UTC that it was written with';
      return { type: 'TIMESTAMP', form: 'moment', note };
    }
    case 'time':
      return found.scale > 6 ? fine(16) : { type: 'TIME', form: 'time' };
    default:
      return direct[found.typeName] ?? null;
  }
}

/** Style 121 is ISO 8601 with a space, and all decimals. */
function fine(length: number): Mapping {
  return {
    type: 'STRING',
    form: 'moment-text',
    cast: `CONVERT(varchar(${length}), %, 121)`,
    note: 'is read as text: it counts in 100 nanoseconds, the warehouse in microseconds',
  };
}

/** Every decimal of SQL Server, which has 38 digits at most, fits one of the warehouse's with its declared shape. */
function decimalMapping({ precision, scale }: CatalogColumn): Mapping {
  // 38 digits, a sign, a point and a zero before it.
  const cast = 'CONVERT(varchar(41), %)';
  return { ...decimalType(precision - scale, scale), form: 'decimal', cast };
}

/** The type as people declare it. */
function shownType({ typeName, maxLength, precision, scale }: CatalogColumn): string {
  switch (typeName) {
    case 'decimal':
    case 'numeric':
      return `${typeName}(${precision},${scale})`;
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
      return `${typeName}(${maxLength < 0 ? 'max' : maxLength})`;
    case 'nchar':
    case 'nvarchar':
      return `${typeName}(${maxLength < 0 ? 'max' : maxLength / 2})`;
    case 'datetime2':
    case 'datetimeoffset':
    case 'time':
      return `${typeName}(${scale})`;
    case 'timestamp':
      return 'rowversion';
    default:
      return typeName;
  }
}
