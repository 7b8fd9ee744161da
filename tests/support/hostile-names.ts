/**
 * Names that tables, columns, schemas and files may have, and that something between a source and a published table could
 * take for something else: syntax, a path, a property, another name that looks or becomes the same.
 */

/** Quotes, comments and separators of all dialects, alone and where they would end a name. */
// prettier-ignore
const SYNTAX = [
  `a"b`, `"`, `""`, `"quoted"`, `a'b`, `'`, `''`, `'; DROP TABLE t; --`, `"; DROP TABLE t; --`, '`', 'a`b', '``', '`; DROP TABLE t; --`',
  '[', ']', 'a]b', '[dbo].[x]', ']]; DROP TABLE t; --', '\\', '\\\\', 'a\\', `\\'`, `\\"`, '\\n', '\\u0041', '\\x41', ';', 'a;b', '--', 'a--b',
  '-- ', '#', 'a#b', '/*', '*/', '/* a */', '//', 'a,b', ',', '(', ')', 'f()', '()', '{', '}', '{{x}}', '$', '$1', '$2', '$$', '$a$', '${x}', '$&',
  "$'", '$`', '@x', '@@version', ':x', '::text', '?', '??', '%', '%s', '%d', '%n', '%%', '%1$s', '*', 'a*', 't.*', '.', '..', 'a.b', '.a', 'a.',
  '"a"."b"', '`a`.`b`', '!', '~', '^', '&', '&&', '|', '||', '<', '>', '<>', '=', '==', '+', '-', '-1', 'a-b', 'a+b', 'a/b', '1+1', '1=1',
  `' OR '1'='1`, `") AS x, (SELECT 1) AS "y`, 'a AS b', 'SELECT 1', 'x); --', 'NULL', 'null', 'true', 'DEFAULT',
];

/** White space, and what cannot be seen. */
// prettier-ignore
const BLANK = [
  ' a', 'a b', '  ', 'a  b', '\t', 'a\tb', 'a\nb', 'a\r\nb', '\n', '\u00a0', 'a\u00a0b', '\u2003', '\u200b', 'a\u200bb', '\u200d', '\ufeff', '\ufeffa', '\u00ad',
  '\u202eabc', 'abc\u202e', '\u2066x\u2069', '\u0001', 'a\u0007b', '\u001b[31m', '\u007f', '\u0085', '\u2028', '\u2029', '\u3000',
];

/** Names that are the same after one of the ways of making them so: case, composition, folding, safe characters. */
// prettier-ignore
const ALIKE = [
  'Id', 'ID', 'id', 'iD', 'caf\u00e9', 'cafe\u0301', 'cafe', 'CAF\u00c9', '\u00c5', 'A\u030a', '\u212b', '\u03a9', '\u2126', '\ufb01', 'fi', '\u0131', 'I', 'i', '\u0130', '\u017f', 's',
  '\u00df', 'ss', '\u1e9e', '\u041a', 'K', '\u212a', 'a_b', 'a__b', 'a$b', 'a?b', 'a!b', 'a&b', '_a_b', 'a_b_', '\u4e00', '\u4e01', '\u00fc', 'u\u0308', 'ue', '\u00e4 \u00f6', '\u00e4_\u00f6',
  '\u{1f600}', '\u{1f601}', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}', '\u{1f3f4}', '\ud7a3', '\u1112\u1175\u11c2', '\uff41', '\u00b2', '2', '\u0662', '\u202a', '\u0640',
];

/** What programs have names of their own for. */
// prettier-ignore
const RESERVED = [
  '__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'length', 'then', 'toJSON', 'undefined', 'NaN', 'this',
  'select', 'from', 'SELECT', 'table', 'order', 'group', 'user', 'index', 'key', 'primary', 'rows', 'window', 'qualify', 'struct', 'array', 'default', 'all',
  'ctid', 'xmin', 'oid', 'tableoid', 'rowid', 'row', 'value', 'column', 'count', '_',
  '_TABLE_SUFFIX', '_table_suffix', '_PARTITIONTIME', '_PARTITIONDATE', '_partition', '_FILE_NAME', '_file_', '_ROW_TIMESTAMP', '_ROW_TIMESTAMP_x', '__ROOT__', '__root__x',
  '_COLIDENTIFIER', '_colidentifier_1', '_CHANGE_TYPE', '_CHANGE_SEQUENCE_NUMBER', '_tradewind_deleted_at', '_TRADEWIND_deleted_at', '_tradewind_row', '_ledger', '_rejects',
  '_stg', '_line', '_column', '_reason', 'c_0', 'c__TABLE_SUFFIX', 'column_1', 'INFORMATION_SCHEMA', '_id', '__name__', 'CON', 'nul',
];

/** Numbers, paths, formulas, markup, and the longest. */
// prettier-ignore
const OTHER = [
  '0', '1', '42', '007', '1e5', '0x1f', '-0', '1.5', '1_000', '2024-01-31', '12:30', '../', '../../etc/passwd', './a', '/etc/passwd', 'C:\\x', 'file://x', 'gs://b/o',
  "=cmd|' /C calc'!A0", '=1+1', '+1', '@SUM(A1)', '-2+3', '<script>alert(1)</script>', '<b>', '&lt;', '"><img src=x onerror=alert(1)>', "javascript:alert(1)", 'https://x/?a=b#c',
  'a%20b', '%2e%2e', '%00', '&#0;', 'a=b&c=d', '{"a":1}', '[1]', 'O\u2019Brien', '\u201cq\u201d', '\u2013', '\u2026', '\u20ac', '\u00a3', '\u00d7', '\u00b0C', '\u2116', '\u65e5\u672c\u8a9e', '\u0627\u0644\u0639\u0631\u0628\u064a\u0629',
  '\u05e2\u05d1\u05e8\u05d9\u05ea', '\u0939\u093f\u0928\u094d\u0926\u0940', '\u0e44\u0e17\u0e22',
  'p'.repeat(63), 'P'.repeat(63), `${'p'.repeat(62)}q`, '\u00e9'.repeat(31), '\u65e5'.repeat(21), 'm'.repeat(64), `${'m'.repeat(63)}n`,
];

/** Names that only files have room for: longer than databases take, and beginning alike for as long as BigQuery looks. */
const LONG = [
  'x'.repeat(300),
  `${'x'.repeat(299)}y`,
  `${'x'.repeat(128)}1`,
  `${'x'.repeat(128)}2`,
  '\u00e9 '.repeat(150),
];

/** Every hostile name that a database may have; none twice, none with a NUL, which no database of ours takes. */
export const HOSTILE_NAMES: readonly string[] = [
  ...new Set([...SYNTAX, ...BLANK, ...ALIKE, ...RESERVED, ...OTHER]),
];

/** Those, and what else files may have for a column. */
export const HOSTILE_FILE_COLUMNS: readonly string[] = [
  ...HOSTILE_NAMES,
  ...LONG,
  'ends in a space ',
  'a\u0000b',
];

/** Whether PostgreSQL takes a name: 63 bytes of UTF-8, and for columns none of its own. */
export const fitsPostgres = (name: string): boolean =>
  Buffer.byteLength(name) <= 63 && !['ctid', 'xmin', 'tableoid'].includes(name);

/** Whether MariaDB takes a name: 64 characters of the basic plane, not ending in a space. */
export const fitsMariadb = (name: string): boolean =>
  name.length <= 64 && !/[\ud800-\udfff]|[ ]$/.test(name) && name.trim() !== '';
