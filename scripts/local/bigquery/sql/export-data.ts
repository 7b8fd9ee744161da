/** `EXPORT DATA OPTIONS (uri='gs://…', format='PARQUET', …) AS SELECT …` */
import type { Cursor } from './cursor.ts';
import { parseExpression } from './expression.ts';
import type { Plan } from './plan.ts';
import { parseQuery } from './query.ts';
import { emptyScope } from './scope.ts';
import type { Env } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';

export function parseExport(cursor: Cursor, env: Env): Plan {
  const at = cursor.at;
  cursor.needWord('OPTIONS');
  cursor.needOp('(');
  let uri = '';
  let overwrite = false;
  let format = '';
  do {
    const name = cursor.needName(true).toLowerCase();
    cursor.needOp('=');
    const value = parseExpression(cursor, env, emptyScope(null));
    if (name === 'uri') uri = value.text ?? '';
    else if (name === 'format') format = (value.text ?? '').toUpperCase();
    else if (name === 'overwrite') overwrite = value.sql === 'TRUE';
    else if (name !== 'compression' || value.text?.toUpperCase() !== 'SNAPPY')
      throw unsupported(`the EXPORT DATA option ${name}`, at);
  } while (cursor.acceptOp(','));
  cursor.needOp(')');
  if (format !== 'PARQUET') throw unsupported(`EXPORT DATA in format ${format}`, at);
  if (!/^gs:\/\/[^/]+\/[^*]*\*[^*]*$/.test(uri))
    throw new SqlError(`Invalid uri "${uri}": EXPORT DATA wants gs://bucket/path-*.parquet`, at);
  cursor.needWord('AS');
  const query = parseQuery(cursor, env, emptyScope(null));
  return {
    type: 'export',
    statementType: 'EXPORT_DATA',
    uri,
    overwrite,
    sql: query.sql,
    columns: query.columns,
  };
}
