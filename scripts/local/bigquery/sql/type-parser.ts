/** Types as statements write them: `INT64`, `ARRAY<STRING>`, `STRUCT<a INT64, b STRING>`, `NUMERIC(10, 2)`. */
import type { Cursor } from './cursor.ts';
import { unsupported } from './sql-error.ts';
import { scalarNamed } from './types.ts';
import type { SqlType } from './types.ts';

/** Parses a type. Parameters such as `(10, 2)` are refused where they would have to be enforced. */
export function parseType(cursor: Cursor): SqlType {
  const at = cursor.at;
  if (cursor.acceptWord('ARRAY')) {
    cursor.needOp('<');
    const element = parseType(cursor);
    closeAngle(cursor);
    return { base: 'ARRAY', element };
  }
  if (cursor.acceptWord('STRUCT')) {
    cursor.needOp('<');
    const fields: { name: string; type: SqlType }[] = [];
    do fields.push({ name: cursor.needName(), type: parseType(cursor) });
    while (cursor.acceptOp(','));
    closeAngle(cursor);
    return { base: 'STRUCT', fields };
  }
  const token = cursor.next();
  const base = token.kind === 'name' ? scalarNamed(token.text) : null;
  if (base === null) throw unsupported(`the type ${token.text}`, at);
  if (cursor.isOp('(')) throw unsupported(`a parameterised type ${token.text}(…) here`, at);
  return { base };
}

/** `ARRAY<ARRAY…>>` cannot occur (BigQuery has no arrays of arrays), but `ARRAY<STRUCT<…>>` ends with one `>>` token. */
function closeAngle(cursor: Cursor): void {
  const pending = splitAngles.get(cursor) ?? 0;
  if (pending > 0) splitAngles.set(cursor, pending - 1);
  else if (cursor.acceptOp('>>')) splitAngles.set(cursor, 1);
  else cursor.needOp('>');
}

/** Halves of a `>>` token that are still to be taken, per cursor. */
const splitAngles = new WeakMap<Cursor, number>();
