/** The operators on bits of INT64: `|` binds least, then `^`, `&`, and `>>` most. */
import type { Cursor } from './cursor.ts';
import type { Expr } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import { typeText } from './types.ts';

const LEVELS = ['|', '^', '&', '>>'] as const;
type Operator = (typeof LEVELS)[number];

/** Parses what `operand` parses, joined by operators on bits. */
export function parseBits(cursor: Cursor, operand: () => Expr, level = 0): Expr {
  const op = LEVELS[level];
  if (op === undefined) return operand();
  let left = parseBits(cursor, operand, level + 1);
  for (;;) {
    const at = cursor.at;
    for (const bit of ['<<', '~']) if (cursor.isOp(bit)) throw unsupported(`the operator ${bit}`, at);
    if (!cursor.acceptOp(op)) return left;
    const right = parseBits(cursor, operand, level + 1);
    for (const { type } of [left, right])
      if (type.base !== 'INT64')
        throw new SqlError(
          `No matching signature for operator ${op} with ${typeText(type)}: only INT64 here`,
          at,
        );
    left = { sql: textOf(op, left.sql, right.sql), type: { base: 'INT64' } };
  }
}

function textOf(op: Operator, left: string, right: string): string {
  if (op === '^') return `xor(${left}, ${right})`;
  if (op !== '>>') return `(${left} ${op} ${right})`;
  // GoogleSQL fills with zeros, DuckDB with the sign: of what has none they are the same.
  return `(CASE WHEN ${left} < 0 OR ${right} < 0 THEN error('>> of a negative number is not supported here') WHEN ${right} > 63 THEN 0 ELSE ${left} >> ${right} END)`;
}
