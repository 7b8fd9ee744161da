/** TO_JSON_STRING by type. Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#json_encodings */
import { quoteName, quoteText } from './types.ts';
import type { SqlType } from './types.ts';

const quoted = (sql: string) => `CAST(to_json(${sql}) AS VARCHAR)`;

/** DuckDB text that answers the JSON of `sql`, or NULL where the value is NULL (the caller writes `null`). */
export function jsonText(sql: string, type: SqlType): string {
  switch (type.base) {
    case 'ARRAY':
      return `('[' || array_to_string(list_transform(${sql}, lambda tw_j: coalesce(${jsonText('tw_j', type.element)}, 'null')), ',') || ']')`;
    case 'STRUCT': {
      const members = type.fields.map(
        (field) =>
          `${quoteText(`${JSON.stringify(field.name)}:`)} || coalesce(${jsonText(`tw_s.${quoteName(field.name)}`, field.type)}, 'null')`,
      );
      // The struct is bound once (list of one), not written out again for every field.
      const body = members.length === 0 ? "'{}'" : `'{' || ${members.join(" || ',' || ")} || '}'`;
      return `(CASE WHEN ${sql} IS NULL THEN NULL ELSE list_transform([${sql}], lambda tw_s: ${body})[1] END)`;
    }
    case 'INT64':
    case 'NULL':
      return `(CASE WHEN ${sql} BETWEEN -9007199254740992 AND 9007199254740992 THEN CAST(${sql} AS VARCHAR) WHEN ${sql} IS NOT NULL THEN '"' || CAST(${sql} AS VARCHAR) || '"' END)`;
    case 'FLOAT64':
      return `(CASE WHEN isnan(${sql}) THEN '"NaN"' WHEN isinf(${sql}) THEN CASE WHEN ${sql} > 0 THEN '"Infinity"' ELSE '"-Infinity"' END ELSE tw_float_text(${sql}) END)`;
    case 'NUMERIC':
    case 'BIGNUMERIC':
      return `(CASE WHEN ${sql} = trunc(${sql}) AND abs(${sql}) <= 9007199254740992 THEN tw_decimal_text(${sql}) WHEN ${sql} IS NOT NULL THEN '"' || tw_decimal_text(${sql}) || '"' END)`;
    case 'BOOL':
      return `CAST(${sql} AS VARCHAR)`;
    case 'BYTES':
      return `('"' || to_base64(${sql}) || '"')`;
    case 'JSON':
      return `CAST(${sql} AS VARCHAR)`;
    case 'DATE':
      return `('"' || CAST(${sql} AS VARCHAR) || '"')`;
    case 'DATETIME':
      return `('"' || replace(tw_seconds_text(CAST(${sql} AS VARCHAR)), ' ', 'T') || '"')`;
    case 'TIME':
      return `('"' || tw_seconds_text(CAST(${sql} AS VARCHAR)) || '"')`;
    case 'TIMESTAMP':
      return `('"' || replace(tw_seconds_text(CAST(timezone('UTC', ${sql}) AS VARCHAR)), ' ', 'T') || 'Z"')`;
    case 'STRING':
      return quoted(sql);
  }
}
