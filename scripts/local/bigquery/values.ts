/** Values between DuckDB and BigQuery's JSON: result cells going out, query parameters coming in. */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
} from '@duckdb/node-api';
import type { DuckDBValue } from '@duckdb/node-api';
import { castTo } from './sql/cast.ts';
import type { Expr } from './sql/scope.ts';
import { duckType, quoteName, quoteText, scalarNamed } from './sql/types.ts';
import type { SqlType } from './sql/types.ts';
import { RestError } from './rest-error.ts';

/** A cell's `v`: text, null, a list of cells or a struct's `f`. */
export type Cell =
  string | null | readonly { readonly v: Cell }[] | { readonly f: readonly { readonly v: Cell }[] };

/** `2024-01-02T03:04:05.678` of microseconds since 1970, with three or six digits after the point, or none. */
export function dateTimeText(micros: bigint): string {
  const millis = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const rest = micros - millis * 1000n;
  const text = new Date(Number(millis)).toISOString().slice(0, -1);
  if (rest !== 0n) return `${text}${String(rest).padStart(3, '0')}`;
  return text.endsWith('.000') ? text.slice(0, -4) : text;
}

function decimalText(value: DuckDBDecimalValue): string {
  const text = value.toString();
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return Object.is(value, -0)
    ? '-0.0'
    : Number.isInteger(value) && Math.abs(value) < 1e15
      ? `${value}.0`
      : String(value);
}

/** How a value of `type` appears in a result. `int64Timestamp`: microseconds instead of seconds with a fraction. */
export function toCell(value: DuckDBValue, type: SqlType, int64Timestamp: boolean): Cell {
  if (value === null) return type.base === 'ARRAY' ? [] : null;
  if (type.base === 'ARRAY' && value instanceof DuckDBListValue)
    return value.items.map((item) => ({ v: toCell(item, type.element, int64Timestamp) }));
  if (type.base === 'STRUCT' && value instanceof DuckDBStructValue) {
    const members = Object.values(value.entries);
    return {
      f: type.fields.map((field, i) => ({ v: toCell(members[i] ?? null, field.type, int64Timestamp) })),
    };
  }
  if (value instanceof DuckDBDecimalValue) return decimalText(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBTimestampTZValue)
    return int64Timestamp ? String(value.micros) : String(Number(value.micros) / 1e6);
  if (value instanceof DuckDBTimestampValue) return dateTimeText(value.micros);
  if (value instanceof DuckDBTimeValue) return dateTimeText(value.micros).slice(11);
  if (typeof value === 'number') return floatText(value);
  // What remains (BIGINT, VARCHAR, JSON, BOOLEAN) prints as itself.
  return typeof value === 'string' ? value : String(value);
}

/** A parameter's type as the REST API sends it. */
export interface ParameterType {
  readonly type: string;
  readonly arrayType?: ParameterType;
  readonly structTypes?: readonly { readonly name: string; readonly type: ParameterType }[];
}

/** A parameter's value as the REST API sends it. */
export interface ParameterValue {
  readonly value?: string | number | boolean | null;
  readonly arrayValues?: readonly ParameterValue[] | null;
  readonly structValues?: Readonly<Record<string, ParameterValue>> | null;
}

/** One entry of `queryParameters`. */
export interface QueryParameter {
  readonly name?: string;
  readonly parameterType: ParameterType;
  readonly parameterValue: ParameterValue;
}

function typeOf(parameter: ParameterType): SqlType {
  if (parameter.arrayType !== undefined) return { base: 'ARRAY', element: typeOf(parameter.arrayType) };
  if (parameter.structTypes !== undefined)
    return {
      base: 'STRUCT',
      fields: parameter.structTypes.map((f) => ({ name: f.name, type: typeOf(f.type) })),
    };
  const base = scalarNamed(parameter.type);
  if (base === null) throw new RestError('invalid', `Invalid query parameter type: ${parameter.type}`);
  return { base };
}

/** A parameter as a constant expression, its value quoted: no text of it is ever read as SQL. */
export function parameterExpr(type: ParameterType, value: ParameterValue): Expr {
  const sqlType = typeOf(type);
  return {
    ...valueExpr(sqlType, value),
    type: sqlType,
    constant: true,
    ...(sqlType.base === 'STRING' && typeof value.value === 'string' ? { text: value.value } : {}),
  };
}

function valueExpr(type: SqlType, value: ParameterValue): Expr {
  if (type.base === 'ARRAY') {
    const items = (value.arrayValues ?? []).map((item) => valueExpr(type.element, item).sql);
    return { sql: `CAST([${items.join(', ')}] AS ${duckType(type)})`, type };
  }
  if (type.base === 'STRUCT')
    return {
      sql: `struct_pack(${type.fields.map((f) => `${quoteName(f.name)} := ${valueExpr(f.type, value.structValues?.[f.name] ?? {}).sql}`).join(', ')})`,
      type,
    };
  if (value.value === undefined || value.value === null)
    return { sql: `CAST(NULL AS ${duckType(type)})`, type };
  const text = quoteText(String(value.value));
  if (type.base === 'STRING') return { sql: text, type };
  if (type.base === 'BYTES') return { sql: `from_base64(${text})`, type };
  if (type.base === 'JSON') return { sql: `json(${text})`, type };
  return castTo({ sql: text, type: { base: 'STRING' } }, type, false, null);
}
