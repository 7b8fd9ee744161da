/** Statements: what one asks for, as data (`Plan`), with the DuckDB text that does it. */
import { asTypes, parseQuery } from './query.ts';
import { parseCreate, parseAlter } from './ddl.ts';
import { parseDelete, parseInsert, parseMerge, parseTruncate, parseUpdate } from './dml.ts';
import { parseExport } from './export-data.ts';
import { Cursor } from './cursor.ts';
import { parseExpression } from './expression.ts';
import { coerceTo } from './cast.ts';
import { tablePath } from './from-clause.ts';
import { tokenize } from './lexer.ts';
import type { Token } from './lexer.ts';
import { emptyScope } from './scope.ts';
import type { Env } from './scope.ts';
import type { Plan } from './plan.ts';
import { SqlError, unsupported } from './sql-error.ts';
import type { Position } from './sql-error.ts';

/** One statement of a script: its tokens and its text. */
export interface StatementText {
  readonly tokens: readonly Token[];
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Splits a script at its semicolons. Throws where there is no statement at all. */
export function splitScript(sql: string): StatementText[] {
  const tokens = tokenize(sql);
  const statements: StatementText[] = [];
  let from = 0;
  tokens.forEach((token, index) => {
    if (token.kind !== 'end' && !(token.kind === 'op' && token.text === ';')) return;
    if (index > from)
      statements.push({
        tokens,
        from,
        to: index,
        text: sql.slice(tokens[from]?.start, tokens[index - 1]?.end),
      });
    from = index + 1;
  });
  if (statements.length === 0)
    throw new SqlError('Syntax error: Unexpected end of statement', { line: 1, column: 1 });
  return statements;
}

/** Where a statement begins. */
export function positionOf(statement: StatementText): Position {
  return statement.tokens[statement.from]?.at ?? { line: 1, column: 1 };
}

/** Translates one statement. `env` answers for the tables as they are now. */
export function planStatement(statement: StatementText, env: Env): Plan {
  const cursor = new Cursor(statement.tokens, statement.from, statement.to);
  const plan = parse(cursor, env);
  if (!cursor.atEnd) throw cursor.unexpected('Expected end of input');
  return plan;
}

function parse(cursor: Cursor, env: Env): Plan {
  const at = cursor.at;
  if (cursor.isWord('SELECT') || cursor.isWord('WITH') || cursor.isOp('(')) {
    const query = parseQuery(cursor, env, emptyScope(null));
    const names = query.columns.map((c) => c.name.toLowerCase());
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      throw new SqlError(
        `Duplicate column names in the result are not supported when a destination table is present. Found duplicate(s): ${twice}`,
      );
    return {
      type: 'select',
      statementType: 'SELECT',
      sql: asTypes(query, query.columns).slice(1, -1),
      plain: query.sql,
      columns: query.columns,
    };
  }
  if (cursor.acceptWord('INSERT')) return parseInsert(cursor, env);
  if (cursor.acceptWord('UPDATE')) return parseUpdate(cursor, env);
  if (cursor.acceptWord('DELETE')) return parseDelete(cursor, env);
  if (cursor.acceptWord('MERGE')) return parseMerge(cursor, env);
  if (cursor.acceptWord('TRUNCATE')) return parseTruncate(cursor, env);
  if (cursor.acceptWord('CREATE')) return parseCreate(cursor, env);
  if (cursor.acceptWord('ALTER')) return parseAlter(cursor, env);
  if (cursor.acceptWord('DROP')) {
    if (!cursor.acceptWord('TABLE')) throw unsupported(`DROP ${cursor.peek().text.toUpperCase()}`, at);
    const ifExists = cursor.acceptWord('IF', 'EXISTS');
    return { type: 'drop', statementType: 'DROP_TABLE', path: tablePath(cursor), ifExists, at };
  }
  if (cursor.acceptWord('ASSERT')) {
    const condition = coerceTo(parseExpression(cursor, env, emptyScope(null)), { base: 'BOOL' }, at);
    const message = cursor.acceptWord('AS') ? cursor.needString() : 'Assertion failed';
    return { type: 'assert', statementType: 'ASSERT', sql: `SELECT ${condition.sql} AS "ok"`, message, at };
  }
  for (const word of ['BEGIN', 'COMMIT', 'ROLLBACK'] as const)
    if (cursor.acceptWord(word)) {
      cursor.acceptWord('TRANSACTION');
      return { type: 'transaction', statementType: `${word}_TRANSACTION`, verb: word };
    }
  if (cursor.acceptWord('EXPORT', 'DATA')) return parseExport(cursor, env);
  throw unsupported(`the statement ${cursor.peek().text.toUpperCase()}`, at);
}
