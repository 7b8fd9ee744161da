/** Rows that come as JSON objects (NDJSON files, insertAll) as DuckDB text, each value read by its column's type. */
import { castTo } from './sql/cast.ts';
import { duckType, fieldType, quoteName, quoteText } from './sql/types.ts';
import type { Field } from './sql/types.ts';

const pathOf = (name: string) => quoteText(`$."${name.replaceAll('"', '\\"')}"`);

/**
 * One column of the JSON object in DuckDB column `json`. Wrong values raise DuckDB errors that name the value. With `jsonAsText`
 * a JSON column's value comes as the text of its JSON, as insertAll takes it.
 */
function column(field: Field, jsonAsText: boolean): string {
  const type = fieldType(field);
  const path = pathOf(field.name);
  if (type.base === 'ARRAY' || type.base === 'STRUCT')
    return `CAST(json_extract(json, ${path}) AS ${duckType(type)})`;
  const text = `json_extract_string(json, ${path})`;
  if (type.base === 'JSON') {
    const value = `json_extract(json, ${path})`;
    return jsonAsText
      ? `CASE WHEN json_type(json, ${path}) = 'VARCHAR' THEN json(${text}) ELSE ${value} END`
      : value;
  }
  if (type.base === 'STRING') return text;
  if (type.base === 'BYTES') return `from_base64(${text})`;
  const cast = castTo({ sql: text, type: { base: 'STRING' } }, type, false, null).sql;
  // Seconds since 1970 are accepted for TIMESTAMP.
  if (type.base === 'TIMESTAMP')
    return `CASE WHEN json_type(json, ${path}) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN make_timestamptz(CAST(round(CAST(${text} AS DOUBLE) * 1000000) AS BIGINT)) ELSE ${cast} END`;
  return cast;
}

/** A SELECT of `fields` from `source`, a DuckDB relation with one JSON column `json`. Unknown members are errors unless `ignoreUnknown`. */
export function selectFromJson(
  source: string,
  fields: readonly Field[],
  ignoreUnknown: boolean,
  jsonAsText = false,
): string {
  const known = `[${fields.map((f) => quoteText(f.name)).join(', ')}]`;
  const check = ignoreUnknown
    ? ''
    : ` WHERE CASE WHEN list_has_all(${known}, json_keys(json)) THEN TRUE ELSE error('no such field: ' || list_filter(json_keys(json), lambda k: NOT list_contains(${known}, k))[1]) END`;
  return `SELECT ${fields.map((f) => `${column(f, jsonAsText)} AS ${quoteName(f.name)}`).join(', ')} FROM ${source}${check}`;
}
