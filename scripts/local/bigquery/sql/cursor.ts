/** A reader over tokens: look, accept, demand. */
import type { Token } from './lexer.ts';
import { SqlError } from './sql-error.ts';
import type { Position } from './sql-error.ts';

/** Words that cannot be an alias without AS. Source: GoogleSQL's reserved keywords. */
const reserved = new Set(
  `ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS CUBE CURRENT DEFAULT DEFINE DESC
  DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL GROUP GROUPING GROUPS HASH HAVING IF
  IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP MERGE NATURAL NEW NO NOT NULL NULLS OF ON OR ORDER OUTER
  OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE
  UNBOUNDED UNION UNNEST USING WHEN WHERE WINDOW WITH WITHIN`.split(/\s+/),
);

export class Cursor {
  readonly tokens: readonly Token[];
  index: number;
  readonly last: number;

  /** Reads `tokens[from..to)`; `to` must be the index of an `end` or `;` token. */
  constructor(tokens: readonly Token[], from: number, to: number) {
    this.tokens = tokens;
    this.index = from;
    this.last = to;
  }

  peek(ahead = 0): Token {
    // The token at `last` always exists; reading past it stays there.
    return this.tokens[Math.min(this.index + ahead, this.last)] as Token;
  }

  get atEnd(): boolean {
    return this.index >= this.last;
  }

  next(): Token {
    const token = this.peek();
    if (this.index < this.last) this.index += 1;
    return token;
  }

  isWord(...words: string[]): boolean {
    return words.every((word, i) => {
      const token = this.peek(i);
      return token.kind === 'name' && this.index + i < this.last && token.text.toUpperCase() === word;
    });
  }

  isOp(op: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'op' && this.index + ahead < this.last && token.text === op;
  }

  acceptWord(...words: string[]): boolean {
    if (!this.isWord(...words)) return false;
    this.index += words.length;
    return true;
  }

  acceptOp(op: string): boolean {
    if (!this.isOp(op)) return false;
    this.index += 1;
    return true;
  }

  needWord(...words: string[]): void {
    if (!this.acceptWord(...words)) throw this.unexpected(`Expected keyword ${words.join(' ')}`);
  }

  needOp(op: string): void {
    if (!this.acceptOp(op)) throw this.unexpected(`Expected "${op}"`);
  }

  /** An identifier: a backtick name or a word that is not reserved (any word after a dot). */
  needName(afterDot = false): string {
    const token = this.peek();
    if (!this.isName(afterDot)) throw this.unexpected('Expected an identifier');
    this.index += 1;
    return token.text;
  }

  isName(afterDot = false): boolean {
    const token = this.peek();
    if (this.atEnd) return false;
    return (
      token.kind === 'quoted' ||
      (token.kind === 'name' && (afterDot || !reserved.has(token.text.toUpperCase())))
    );
  }

  needInt(): number {
    const token = this.peek();
    if (token.kind !== 'int' || this.atEnd) throw this.unexpected('Expected an integer literal');
    this.index += 1;
    return Number(token.text);
  }

  needString(): string {
    const token = this.peek();
    if (token.kind !== 'string' || this.atEnd) throw this.unexpected('Expected a string literal');
    this.index += 1;
    return token.text;
  }

  get at(): Position {
    return this.peek().at;
  }

  unexpected(wanted: string): SqlError {
    const token = this.peek();
    const got = this.atEnd
      ? 'end of statement'
      : token.kind === 'name'
        ? `keyword or identifier "${token.text}"`
        : `"${token.text}"`;
    return new SqlError(`Syntax error: ${wanted} but got ${got}`, token.at);
  }

  /** Index of the first of `words` (or of a closing bracket or the end) at the present bracket depth. */
  find(...words: string[]): number {
    let depth = 0;
    for (let i = this.index; i < this.last; i += 1) {
      const token = this.tokens[i] as Token;
      if (token.kind === 'op' && (token.text === '(' || token.text === '[')) depth += 1;
      if (token.kind === 'op' && (token.text === ')' || token.text === ']')) {
        if (depth === 0) return i;
        depth -= 1;
      }
      if (depth === 0 && token.kind === 'name' && words.includes(token.text.toUpperCase())) {
        // `EXTRACT(x FROM y)` is inside brackets; `t.from` is a column.
        const before = this.tokens[i - 1];
        if (!(before?.kind === 'op' && before.text === '.')) return i;
      }
    }
    return this.last;
  }
}
