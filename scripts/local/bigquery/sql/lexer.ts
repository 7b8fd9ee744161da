/**
 * GoogleSQL's tokens. Source: https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical
 * Literals are decoded here, so nothing after this file sees a quote or an escape of the statement.
 */
import { SqlError } from './sql-error.ts';
import type { Position } from './sql-error.ts';

/**
 * - `name`: an unquoted word (keyword or identifier); `quoted`: a backtick identifier, which may hold a whole path
 * - `string`, `int`, `float`: `text` is the decoded value; `bytes`: `text` is hexadecimal
 * - `param`: `@name` (`text` is the name) or `?` (`text` is '?'); `op`: an operator or bracket; `end`
 */
export interface Token {
  readonly kind: 'name' | 'quoted' | 'string' | 'bytes' | 'int' | 'float' | 'param' | 'op' | 'end';
  readonly text: string;
  readonly at: Position;
  /** Offsets in the statement's text. */
  readonly start: number;
  readonly end: number;
}

const operators = [
  '<=',
  '>=',
  '<>',
  '!=',
  '||',
  '=>',
  '<<',
  '>>',
  '+',
  '-',
  '*',
  '/',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ',',
  '.',
  ';',
  '<',
  '>',
  '=',
  '&',
  '|',
  '^',
  '~',
  ':',
];

/** All tokens of `sql`, ending with one `end` token. Throws `SqlError` for text that is no token. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  let line = 1;
  let lineStart = 0;
  const position = (): Position => ({ line, column: index - lineStart + 1 });
  const advance = (to: number): void => {
    for (; index < to; index += 1)
      if (sql[index] === '\n') {
        line += 1;
        lineStart = index + 1;
      }
  };
  const push = (kind: Token['kind'], text: string, end: number): void => {
    tokens.push({ kind, text, at: position(), start: index, end });
    advance(end);
  };
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = index;
    return pattern.exec(sql);
  };
  while (index < sql.length) {
    const skip = match(/(?:\s+|--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/)/y);
    if (skip) {
      advance(index + skip[0].length);
      continue;
    }
    const literal = match(/(r|b|rb|br)?("""|'''|"|')/iy);
    if (literal) {
      const prefix = (literal[1] ?? '').toLowerCase();
      const quote = literal[2] ?? '';
      const body = index + literal[0].length;
      const close = closingQuote(sql, body, quote, position());
      const bytes = prefix.includes('b');
      const text = sql.slice(body, close);
      const value = prefix.includes('r') ? Buffer.from(text) : unescape(text, bytes, position());
      push(bytes ? 'bytes' : 'string', value.toString(bytes ? 'hex' : 'utf8'), close + quote.length);
      continue;
    }
    const quoted = match(/`((?:[^`\\]|\\.)+)`/y);
    if (quoted) {
      push('quoted', unescape(quoted[1] ?? '', false, position()).toString('utf8'), index + quoted[0].length);
      continue;
    }
    const number = match(/0x[0-9a-f]+|(?:\d+\.\d*|\.\d+|\d+(?=e[+-]?\d))(?:e[+-]?\d+)?|\d+/iy);
    const afterPath = tokens.at(-1)?.text === '.' && /^\d+$/.test(number?.[0] ?? 'x');
    if (number && !afterPath) {
      const isInt = /^(?:\d+|0x[0-9a-f]+)$/i.test(number[0]);
      push(isInt ? 'int' : 'float', isInt ? String(BigInt(number[0])) : number[0], index + number[0].length);
      continue;
    }
    const name = match(/[A-Za-z_][A-Za-z0-9_]*/y);
    if (name) {
      push('name', name[0], index + name[0].length);
      continue;
    }
    const param = match(/@(?:([A-Za-z_][A-Za-z0-9_]*)|`([^`]+)`)|\?/y);
    if (param) {
      push('param', param[1] ?? param[2] ?? '?', index + param[0].length);
      continue;
    }
    const operator = operators.find((op) => sql.startsWith(op, index));
    if (operator === undefined)
      throw new SqlError(`Syntax error: Illegal input character ${JSON.stringify(sql[index])}`, position());
    push('op', operator, index + operator.length);
  }
  push('end', '', index);
  return tokens;
}

function closingQuote(sql: string, from: number, quote: string, at: Position): number {
  for (let index = from; index < sql.length; index += 1) {
    if (sql[index] === '\\') index += 1;
    else if (sql.startsWith(quote, index)) return index;
    else if (quote.length === 1 && sql[index] === '\n') break;
  }
  throw new SqlError('Syntax error: Unclosed string literal', at);
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
};

/** Decodes backslash escapes: `\n`, `\x41`, `\101`, and in strings `\u00e9`, `\U0001F600`. */
function unescape(text: string, bytes: boolean, at: Position): Buffer {
  const parts: Buffer[] = [];
  const pattern = /[^\\]+|\\(?:x([0-9a-f]{2})|([0-3][0-7]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\s\S]))/giy;
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (found === null)
      throw new SqlError('Syntax error: Illegal escape sequence at the end of a literal', at);
    const [whole, hex, octal, short, long, simple] = found;
    if (!whole.startsWith('\\')) parts.push(Buffer.from(whole));
    else if (hex !== undefined || octal !== undefined) {
      const code = hex === undefined ? parseInt(octal ?? '', 8) : parseInt(hex, 16);
      parts.push(bytes ? Buffer.from([code]) : Buffer.from(String.fromCodePoint(code)));
    } else if (!bytes && (short ?? long) !== undefined)
      parts.push(Buffer.from(String.fromCodePoint(parseInt(short ?? long ?? '', 16))));
    else {
      const plain = simpleEscapes[simple ?? ''];
      if (plain === undefined) throw new SqlError(`Syntax error: Illegal escape sequence: ${whole}`, at);
      parts.push(Buffer.from(plain));
    }
  }
  return Buffer.concat(parts);
}
