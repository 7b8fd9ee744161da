/** The scalar functions of the allow-list that are not about dates: how each is said in DuckDB with GoogleSQL's meaning. */
import { castTo, coerceTo } from './cast.ts';
import { commonType } from './common-type.ts';
import { argument, of, plain } from './function-rule.ts';
import type { CallInfo, FunctionRule } from './function-rule.ts';
import { jsonText } from './json-text.ts';
import { arithmetic, compare } from './operators.ts';
import type { Expr } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import { duckType, isNumber, quoteText, typeText } from './types.ts';
import type { SqlType } from './types.ts';

/** A function of the numeric types whose result has its argument's type (INT64 becomes FLOAT64 where `widen`). */
const number = (template: string, widen: boolean): FunctionRule => ({
  min: 1,
  max: 1,
  emit: ([value], info) => {
    if (value === undefined || !isNumber(value.type))
      throw new SqlError(`No matching signature for function ${info.name}`, info.at);
    const type = widen && value.type.base === 'INT64' ? of('FLOAT64') : value.type;
    const sql = template.replaceAll('$1', castTo(value, type, false, info.at).sql);
    // DuckDB's sign() answers a byte, its trunc() a narrower decimal.
    return { sql: `CAST(${sql} AS ${duckType(type)})`, type };
  },
});

const common = (args: readonly Expr[], info: CallInfo): { type: SqlType; values: string[] } => {
  const type = commonType(args);
  if (type === null)
    throw new SqlError(
      `No matching signature for function ${info.name} for argument types: ${args.map((a) => typeText(a.type)).join(', ')}`,
      info.at,
    );
  return { type, values: args.map((arg) => coerceTo(arg, type, info.at).sql) };
};

function coalesce(args: readonly Expr[], info: CallInfo): Expr {
  const { type, values } = common(args, info);
  return { sql: `coalesce(${values.join(', ')})`, type };
}

const extreme = (duckName: string): FunctionRule => ({
  min: 1,
  max: 100,
  emit: (args, info) => {
    const { type, values } = common(args, info);
    // One NULL makes the answer NULL; DuckDB would skip it.
    return {
      sql: `(CASE WHEN ${values.map((v) => `${v} IS NULL`).join(' OR ')} THEN NULL ELSE ${duckName}(${values.join(', ')}) END)`,
      type,
    };
  },
});

const textOrBytes = (duckName: string): FunctionRule => ({
  min: 1,
  max: 1,
  emit: ([value], info) => {
    const base = value?.type.base;
    if (value === undefined || (base !== 'STRING' && base !== 'BYTES'))
      throw new SqlError(`No matching signature for function ${info.name}`, info.at);
    return { sql: `from_hex(${duckName}(${value.sql}))`, type: of('BYTES') };
  },
});

const spaces =
  "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(133) || chr(160) || chr(5760) || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8199) || chr(8200) || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288)";

const trim = (duckName: string): FunctionRule => ({
  min: 1,
  max: 2,
  emit: (args, info) => {
    const text = argument(args, 0, of('STRING'), info);
    const sql =
      args.length > 1
        ? `${duckName}(${text}, ${argument(args, 1, of('STRING'), info)})`
        : // DuckDB builds its set of signs anew for every row; text that begins and ends visibly is left as it is.
          `(CASE WHEN ${text}[1] BETWEEN '!' AND '~' AND ${text}[-1] BETWEEN '!' AND '~' THEN ${text} ELSE ${duckName}(${text}, ${spaces}) END)`;
    return { sql, type: of('STRING') };
  },
});

const substr: FunctionRule = {
  min: 2,
  max: 3,
  emit: (args, info) => {
    const values = [argument(args, 0, of('STRING'), info), argument(args, 1, of('INT64'), info)];
    if (args.length > 2) values.push(argument(args, 2, of('INT64'), info));
    return {
      sql: `${args.length > 2 ? 'tw_substr' : 'tw_substr_tail'}(${values.join(', ')})`,
      type: of('STRING'),
    };
  },
};

const jsonPath = (args: readonly Expr[], info: CallInfo): string => {
  const text = args.length > 1 ? args[1]?.text : '$';
  if (text === undefined || !/^\$(\.[A-Za-z_][A-Za-z0-9_]*|\."[^"]+"|\[\d+\])*$/.test(text))
    throw unsupported(`the JSON path ${text ?? 'that is no literal'} in ${info.name}`, info.at);
  return quoteText(text);
};

const jsonArgument = (args: readonly Expr[], info: CallInfo): string => {
  const value = args[0];
  if (value?.type.base === 'JSON') return value.sql;
  // Text that is no JSON answers NULL.
  return `(CASE WHEN json_valid(${argument(args, 0, of('STRING'), info)}) THEN CAST(${value?.sql} AS JSON) END)`;
};

export const functions: Readonly<Record<string, FunctionRule>> = {
  IF: {
    min: 3,
    max: 3,
    emit: ([test, ...rest], info) => {
      const { type, values } = common(rest, info);
      return {
        sql: `(CASE WHEN ${argument([test ?? { sql: '', type }], 0, of('BOOL'), info)} THEN ${values[0]} ELSE ${values[1]} END)`,
        type,
      };
    },
  },
  IFNULL: { min: 2, max: 2, emit: (args, info) => coalesce(args, info) },
  COALESCE: { min: 1, max: 100, emit: (args, info) => coalesce(args, info) },
  NULLIF: {
    min: 2,
    max: 2,
    emit: (args, info) => {
      const { type, values } = common(args, info);
      const [a = '', b = ''] = values;
      return {
        sql: `(CASE WHEN ${compare('=', { sql: a, type }, { sql: b, type }, info.at).sql} THEN NULL ELSE ${a} END)`,
        type,
      };
    },
  },
  GREATEST: extreme('greatest'),
  LEAST: extreme('least'),
  SAFE_DIVIDE: {
    min: 2,
    max: 2,
    emit: ([a, b], info) => {
      if (a === undefined || b === undefined) throw new SqlError('SAFE_DIVIDE takes two arguments', info.at);
      const zero: Expr = { sql: 'CAST(0 AS BIGINT)', type: of('INT64'), constant: true };
      const quotient = arithmetic(
        '/',
        a,
        { ...b, sql: `(CASE WHEN ${compare('=', b, zero, info.at).sql} THEN NULL ELSE ${b.sql} END)` },
        info.at,
      );
      return quotient;
    },
  },
  IEEE_DIVIDE: plain(
    ['FLOAT64', 'FLOAT64'],
    'FLOAT64',
    "(CASE WHEN $2 = 0 THEN CASE WHEN $1 > 0 THEN 'inf'::DOUBLE WHEN $1 < 0 THEN '-inf'::DOUBLE WHEN $1 = 0 OR isnan($1) THEN 'nan'::DOUBLE END ELSE $1 / $2 END)",
  ),
  ABS: number('abs($1)', false),
  SIGN: number('sign($1)', false),
  FLOOR: number('floor($1)', true),
  CEIL: number('ceil($1)', true),
  CEILING: number('ceil($1)', true),
  ROUND: {
    min: 1,
    max: 2,
    emit: (args, info) => {
      const value = args[0];
      if (value === undefined || !isNumber(value.type))
        throw new SqlError('No matching signature for function ROUND', info.at);
      const type = value.type.base === 'INT64' ? of('FLOAT64') : value.type;
      const digits = args.length > 1 ? `CAST(${argument(args, 1, of('INT64'), info)} AS INTEGER)` : '0';
      if (type.base !== 'FLOAT64' && args[1] !== undefined && args[1].constant !== true)
        throw unsupported('ROUND of NUMERIC to digits that are no constant', info.at);
      const sql = castTo(value, type, false, info.at).sql;
      const digit = /^CAST\(CAST\((-?\d+) AS BIGINT\) AS INTEGER\)$/.exec(digits)?.[1] ?? '0';
      return {
        sql:
          type.base === 'FLOAT64'
            ? `round(${sql}, ${digits})`
            : `CAST(round(${sql}, ${digit}) AS ${type.base === 'NUMERIC' ? 'DECIMAL(38,9)' : 'DECIMAL(38,20)'})`,
        type,
      };
    },
  },
  TRUNC: number('trunc($1)', true),
  SQRT: plain(['FLOAT64'], 'FLOAT64', 'sqrt($1)'),
  EXP: plain(['FLOAT64'], 'FLOAT64', 'exp($1)'),
  LN: plain(['FLOAT64'], 'FLOAT64', 'ln($1)'),
  LOG10: plain(['FLOAT64'], 'FLOAT64', 'log10($1)'),
  LOG: {
    min: 1,
    max: 2,
    emit: (args, info) => ({
      sql:
        args.length === 1
          ? `ln(${argument(args, 0, of('FLOAT64'), info)})`
          : `(ln(${argument(args, 0, of('FLOAT64'), info)}) / ln(${argument(args, 1, of('FLOAT64'), info)}))`,
      type: of('FLOAT64'),
    }),
  },
  POW: plain(['FLOAT64', 'FLOAT64'], 'FLOAT64', 'pow($1, $2)'),
  POWER: plain(['FLOAT64', 'FLOAT64'], 'FLOAT64', 'pow($1, $2)'),
  MOD: plain(
    ['INT64', 'INT64'],
    'INT64',
    "(CASE WHEN $2 = 0 THEN error('division by zero: MOD') ELSE $1 % $2 END)",
  ),
  DIV: plain(
    ['INT64', 'INT64'],
    'INT64',
    "(CASE WHEN $2 = 0 THEN error('division by zero: DIV') ELSE $1 // $2 END)",
  ),
  IS_NAN: plain(['FLOAT64'], 'BOOL', 'isnan($1)'),
  IS_INF: plain(['FLOAT64'], 'BOOL', 'isinf($1)'),
  RAND: { min: 0, max: 0, emit: () => ({ sql: 'random()', type: of('FLOAT64') }) },
  GENERATE_UUID: { min: 0, max: 0, emit: () => ({ sql: 'CAST(uuid() AS VARCHAR)', type: of('STRING') }) },
  CONCAT: {
    min: 1,
    max: 100,
    emit: (args, info) => ({
      sql: `(${args.map((arg) => castTo(arg, of('STRING'), false, info.at).sql).join(' || ')})`,
      type: of('STRING'),
    }),
  },
  LOWER: plain(['STRING'], 'STRING', 'lower($1)'),
  UPPER: plain(['STRING'], 'STRING', 'upper($1)'),
  TRIM: trim('trim'),
  LTRIM: trim('ltrim'),
  RTRIM: trim('rtrim'),
  SUBSTR: substr,
  SUBSTRING: substr,
  LEFT: plain(['STRING', 'INT64'], 'STRING', 'tw_substr($1, 1, $2)'),
  RIGHT: plain(
    ['STRING', 'INT64'],
    'STRING',
    "(CASE WHEN $2 < 0 THEN error('Second argument in RIGHT cannot be negative') WHEN $2 = 0 THEN CASE WHEN $1 IS NOT NULL THEN '' END ELSE right($1, $2) END)",
  ),
  LENGTH: {
    min: 1,
    max: 1,
    emit: ([value], info) => ({
      sql:
        value?.type.base === 'BYTES'
          ? `octet_length(${value.sql})`
          : `length(${argument([value ?? { sql: '', type: of('STRING') }], 0, of('STRING'), info)})`,
      type: of('INT64'),
    }),
  },
  CHAR_LENGTH: plain(['STRING'], 'INT64', 'length($1)'),
  BYTE_LENGTH: plain(['STRING'], 'INT64', 'octet_length(encode($1))'),
  REPLACE: plain(
    ['STRING', 'STRING', 'STRING'],
    'STRING',
    "(CASE WHEN $2 = '' THEN $1 ELSE replace($1, $2, $3) END)",
  ),
  REVERSE: plain(['STRING'], 'STRING', 'reverse($1)'),
  REPEAT: plain(['STRING', 'INT64'], 'STRING', 'repeat($1, $2)'),
  STRPOS: plain(['STRING', 'STRING'], 'INT64', 'instr($1, $2)'),
  LPAD: plain(['STRING', 'INT64', 'STRING'], 'STRING', "lpad($1, CAST($2 AS INTEGER), coalesce($3, ' '))", 2),
  RPAD: plain(['STRING', 'INT64', 'STRING'], 'STRING', "rpad($1, CAST($2 AS INTEGER), coalesce($3, ' '))", 2),
  STARTS_WITH: plain(['STRING', 'STRING'], 'BOOL', 'starts_with($1, $2)'),
  ENDS_WITH: plain(['STRING', 'STRING'], 'BOOL', 'ends_with($1, $2)'),
  NORMALIZE: plain(['STRING'], 'STRING', 'nfc_normalize($1)'),
  REGEXP_CONTAINS: plain(['STRING', 'STRING'], 'BOOL', "regexp_matches($1, $2, 'c')"),
  REGEXP_REPLACE: plain(['STRING', 'STRING', 'STRING'], 'STRING', "regexp_replace($1, $2, $3, 'gc')"),
  REGEXP_EXTRACT: {
    min: 2,
    max: 2,
    emit: (args, info) => {
      const pattern = args[1]?.text;
      if (pattern === undefined)
        throw unsupported('REGEXP_EXTRACT with a pattern that is no literal', info.at);
      const groups = (pattern.replaceAll(/\\.|\[(?:\\.|[^\]])*\]/g, '').match(/\((?!\?)|\(\?P</g) ?? [])
        .length;
      if (groups > 1)
        throw new SqlError(
          'Regular expressions passed into extraction functions must not have more than 1 capturing group',
          info.at,
        );
      const text = argument(args, 0, of('STRING'), info);
      return {
        sql: `(CASE WHEN regexp_matches(${text}, ${quoteText(pattern)}, 'c') THEN regexp_extract(${text}, ${quoteText(pattern)}, ${groups}, 'c') END)`,
        type: of('STRING'),
      };
    },
  },
  SPLIT: {
    min: 1,
    max: 2,
    emit: (args, info) => ({
      sql: `string_split(${argument(args, 0, of('STRING'), info)}, ${args.length > 1 ? argument(args, 1, of('STRING'), info) : "','"})`,
      type: { base: 'ARRAY', element: of('STRING') },
    }),
  },
  TO_HEX: plain(['BYTES'], 'STRING', 'lower(hex($1))'),
  FROM_HEX: plain(['STRING'], 'BYTES', 'from_hex($1)'),
  TO_BASE64: plain(['BYTES'], 'STRING', 'to_base64($1)'),
  FROM_BASE64: plain(['STRING'], 'BYTES', 'from_base64($1)'),
  SHA256: textOrBytes('sha256'),
  SHA1: textOrBytes('sha1'),
  MD5: textOrBytes('md5'),
  FARM_FINGERPRINT: {
    min: 1,
    max: 1,
    emit: ([value], info) => {
      const base = value?.type.base;
      if (value === undefined || (base !== 'STRING' && base !== 'BYTES'))
        throw new SqlError('No matching signature for function FARM_FINGERPRINT', info.at);
      return {
        sql: `farm_fingerprint(${base === 'STRING' ? `encode(${value.sql})` : value.sql})`,
        type: of('INT64'),
      };
    },
  },
  TO_JSON_STRING: {
    min: 1,
    max: 1,
    emit: ([value], info) => {
      if (value === undefined) throw new SqlError('TO_JSON_STRING takes one argument', info.at);
      return { sql: `coalesce(${jsonText(value.sql, value.type)}, 'null')`, type: of('STRING') };
    },
  },
  PARSE_JSON: plain(
    ['STRING'],
    'JSON',
    "(CASE WHEN $1 IS NULL THEN NULL WHEN json_valid($1) THEN json($1) ELSE error('Invalid input to PARSE_JSON: syntax error while parsing') END)",
  ),
  JSON_VALUE: {
    min: 1,
    max: 2,
    emit: (args, info) => {
      const [json, path] = [jsonArgument(args, info), jsonPath(args, info)];
      return {
        sql: `(CASE WHEN json_type(${json}, ${path}) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN json_extract_string(${json}, ${path}) END)`,
        type: of('STRING'),
      };
    },
  },
  JSON_QUERY: {
    min: 1,
    max: 2,
    emit: (args, info) => {
      const type = args[0]?.type.base === 'JSON' ? of('JSON') : of('STRING');
      const value = `json_extract(${jsonArgument(args, info)}, ${jsonPath(args, info)})`;
      return { sql: type.base === 'JSON' ? value : `CAST(${value} AS VARCHAR)`, type };
    },
  },
  ARRAY_LENGTH: {
    min: 1,
    max: 1,
    emit: ([value], info) => {
      if (value?.type.base !== 'ARRAY')
        throw new SqlError('No matching signature for function ARRAY_LENGTH', info.at);
      return { sql: `len(${value.sql})`, type: of('INT64') };
    },
  },
  ARRAY_CONCAT: {
    min: 1,
    max: 100,
    emit: (args, info) => {
      const { type, values } = common(args, info);
      return {
        sql: values.reduce(
          (a, b) => `(CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN list_concat(${a}, ${b}) END)`,
        ),
        type,
      };
    },
  },
  ARRAY_REVERSE: {
    min: 1,
    max: 1,
    emit: ([value], info) => {
      if (value?.type.base !== 'ARRAY')
        throw new SqlError('No matching signature for function ARRAY_REVERSE', info.at);
      return { sql: `list_reverse(${value.sql})`, type: value.type };
    },
  },
  ARRAY_TO_STRING: {
    min: 2,
    max: 2,
    emit: (args, info) => ({
      sql: `array_to_string(${argument(args, 0, { base: 'ARRAY', element: of('STRING') }, info)}, ${argument(args, 1, of('STRING'), info)})`,
      type: of('STRING'),
    }),
  },
  GENERATE_ARRAY: {
    min: 2,
    max: 3,
    emit: (args, info) => ({
      sql: `generate_series(${args.map((_, i) => argument(args, i, of('INT64'), info)).join(', ')})`,
      type: { base: 'ARRAY', element: of('INT64') },
    }),
  },
  ERROR: plain(['STRING'], 'STRING', 'CAST(error($1) AS VARCHAR)'),
};
