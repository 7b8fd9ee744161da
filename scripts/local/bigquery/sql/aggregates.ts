/** The aggregate and window functions of the allow-list. */
import { castTo, coerceTo } from './cast.ts';
import type { Expr } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import type { Position } from './sql-error.ts';
import { isNumber, quoteText, typeText } from './types.ts';
import type { SqlType } from './types.ts';

/** What stands around the arguments of an aggregate call. `over` is DuckDB's window text, null for a plain aggregate. */
export interface AggregateParts {
  readonly name: string;
  readonly at: Position;
  readonly star: boolean;
  readonly distinct: boolean;
  readonly nulls: 'IGNORE' | 'RESPECT' | null;
  readonly having: { readonly which: 'MAX' | 'MIN'; readonly by: Expr } | null;
  readonly order: string | null;
  readonly limit: number | null;
  readonly over: string | null;
}

type Aggregate = (args: readonly Expr[], parts: AggregateParts) => Expr;

const int: SqlType = { base: 'INT64' };
const float: SqlType = { base: 'FLOAT64' };
const bool: SqlType = { base: 'BOOL' };

function one(args: readonly Expr[], parts: AggregateParts): Expr {
  const [first, second] = args;
  if (first === undefined || second !== undefined)
    throw new SqlError(`${parts.name} takes one argument, not ${args.length}`, parts.at);
  return first;
}

function numeric(args: readonly Expr[], parts: AggregateParts): Expr {
  const value = one(args, parts);
  if (!isNumber(value.type))
    throw new SqlError(
      `No matching signature for aggregate function ${parts.name} for argument type: ${typeText(value.type)}`,
      parts.at,
    );
  return value;
}

/** The call's text: `name([DISTINCT] args [ORDER BY …]) [OVER …]`, refusing the parts that this function does not take. */
function call(
  duckName: string,
  args: string,
  parts: AggregateParts,
  takes: { order?: boolean; nulls?: boolean } = {},
): string {
  if (parts.having !== null) throw unsupported(`HAVING ${parts.having.which} in ${parts.name}`, parts.at);
  if (parts.order !== null && takes.order !== true) throw unsupported(`ORDER BY in ${parts.name}`, parts.at);
  if (parts.limit !== null && takes.order !== true) throw unsupported(`LIMIT in ${parts.name}`, parts.at);
  if (parts.nulls !== null && takes.nulls !== true)
    throw unsupported(`${parts.nulls} NULLS in ${parts.name}`, parts.at);
  if (parts.distinct && parts.over !== null) throw unsupported('DISTINCT in a window', parts.at);
  const order = parts.order === null ? '' : ` ORDER BY ${parts.order}`;
  return `${duckName}(${parts.distinct ? 'DISTINCT ' : ''}${args}${order})${parts.over === null ? '' : ` OVER ${parts.over}`}`;
}

const simple =
  (duckName: string, result: (type: SqlType) => SqlType): Aggregate =>
  (args, parts) => {
    const value = one(args, parts);
    return { sql: call(duckName, value.sql, parts), type: result(value.type) };
  };

const statistic =
  (duckName: string): Aggregate =>
  (args, parts) => ({
    sql: call(duckName, castTo(numeric(args, parts), float, false, parts.at).sql, parts),
    type: float,
  });

const extreme =
  (duckName: string): Aggregate =>
  (args, parts) => {
    const value = one(args, parts);
    if (value.type.base === 'ARRAY' || value.type.base === 'STRUCT' || value.type.base === 'JSON')
      throw new SqlError(
        `${parts.name} is not defined for arguments of type ${typeText(value.type)}`,
        parts.at,
      );
    const sql = call(duckName, value.sql, parts);
    // One NaN makes MAX and MIN NaN in GoogleSQL; DuckDB takes it for the greatest value, so MAX agrees and MIN does not.
    if (duckName === 'min' && value.type.base === 'FLOAT64')
      return {
        sql: `CASE WHEN isnan(${call('max', value.sql, parts)}) THEN 'NaN'::DOUBLE ELSE ${sql} END`,
        type: value.type,
      };
    return { sql, type: value.type };
  };

const bits =
  (duckName: string): Aggregate =>
  (args, parts) => {
    const value = one(args, parts);
    if (value.type.base !== 'INT64') throw unsupported(`${parts.name} of ${typeText(value.type)}`, parts.at);
    return { sql: call(duckName, value.sql, parts), type: int };
  };

export const aggregates: Readonly<Record<string, Aggregate>> = {
  COUNT: (args, parts) => ({ sql: call('count', parts.star ? '*' : one(args, parts).sql, parts), type: int }),
  // DuckDB's count_if answers NULL over no rows.
  COUNTIF: (args, parts) => ({
    sql: call('count', `nullif(${one(args, parts).sql}, FALSE)`, parts),
    type: int,
  }),
  SUM: (args, parts) => {
    const value = numeric(args, parts);
    const sql = call('sum', value.sql, parts);
    return { sql: value.type.base === 'INT64' ? `CAST(${sql} AS BIGINT)` : sql, type: value.type };
  },
  AVG: (args, parts) => {
    const value = numeric(args, parts);
    if (value.type.base === 'NUMERIC')
      return {
        sql: `tw_numeric_divide(${call('sum', value.sql, parts)}, CAST(nullif(${call('count', value.sql, parts)}, 0) AS DECIMAL(38,9)))`,
        type: value.type,
      };
    if (value.type.base === 'BIGNUMERIC') throw unsupported('AVG of BIGNUMERIC', parts.at);
    return { sql: call('avg', value.sql, parts), type: float };
  },
  MIN: extreme('min'),
  MAX: extreme('max'),
  ANY_VALUE: (args, parts) => {
    const value = one(args, parts);
    if (parts.having === null) return { sql: call('any_value', value.sql, parts), type: value.type };
    const { which, by } = parts.having;
    return {
      sql: call(which === 'MAX' ? 'arg_max_null' : 'arg_min_null', `${value.sql}, ${by.sql}`, {
        ...parts,
        having: null,
      }),
      type: value.type,
    };
  },
  MAX_BY: (args, parts) => by('arg_max_null', args, parts),
  MIN_BY: (args, parts) => by('arg_min_null', args, parts),
  ARRAY_AGG: (args, parts) => {
    const value = one(args, parts);
    if (value.type.base === 'ARRAY')
      throw new SqlError('The argument to ARRAY_AGG must not be an array type', parts.at);
    if (parts.over !== null && parts.nulls === 'IGNORE')
      throw unsupported('ARRAY_AGG(… IGNORE NULLS) OVER', parts.at);
    const base = call('list', value.sql, parts, { order: true, nulls: true });
    const sql = parts.nulls === 'IGNORE' ? `${base} FILTER (WHERE ${value.sql} IS NOT NULL)` : base;
    return {
      sql: parts.limit === null ? sql : `(${sql})[1:${parts.limit}]`,
      type: { base: 'ARRAY', element: value.type },
    };
  },
  STRING_AGG: (args, parts) => {
    const [value, separator] = args;
    if (value === undefined || value.type.base !== 'STRING')
      throw unsupported('STRING_AGG of anything but STRING', parts.at);
    if (separator !== undefined && separator.constant !== true)
      throw unsupported('STRING_AGG with a delimiter that is no constant', parts.at);
    const between = separator?.sql ?? quoteText(',');
    if (parts.limit === null)
      return {
        sql: call('string_agg', `${value.sql}, ${between}`, parts, { order: true }),
        type: value.type,
      };
    const list = `${call('list', value.sql, parts, { order: true })} FILTER (WHERE ${value.sql} IS NOT NULL)`;
    return { sql: `array_to_string((${list})[1:${parts.limit}], ${between})`, type: value.type };
  },
  LOGICAL_AND: simple('bool_and', () => bool),
  LOGICAL_OR: simple('bool_or', () => bool),
  BIT_XOR: bits('bit_xor'),
  BIT_AND: bits('bit_and'),
  BIT_OR: bits('bit_or'),
  STDDEV: statistic('stddev_samp'),
  STDDEV_SAMP: statistic('stddev_samp'),
  STDDEV_POP: statistic('stddev_pop'),
  VARIANCE: statistic('var_samp'),
  VAR_SAMP: statistic('var_samp'),
  VAR_POP: statistic('var_pop'),
  // Exact here: an approximation may be exact.
  APPROX_COUNT_DISTINCT: (args, parts) => ({
    sql: call('count', one(args, parts).sql, { ...parts, distinct: true }),
    type: int,
  }),
  APPROX_QUANTILES: (args, parts) => {
    const [value, count] = args;
    const n = Number(/^CAST\((\d+) AS BIGINT\)$/.exec(count?.sql ?? '')?.[1]);
    if (value === undefined || !(n >= 1))
      throw unsupported('APPROX_QUANTILES without a literal number of at least 1', parts.at);
    const points = Array.from({ length: n + 1 }, (_, i) => i / n);
    return {
      sql: call('quantile_disc', `${value.sql}, [${points.join(', ')}]`, parts),
      type: { base: 'ARRAY', element: value.type },
    };
  },
};

function by(duckName: string, args: readonly Expr[], parts: AggregateParts): Expr {
  const [value, key] = args;
  if (value === undefined || key === undefined)
    throw new SqlError(`${parts.name} takes two arguments`, parts.at);
  return { sql: call(duckName, `${value.sql}, ${key.sql}`, parts), type: value.type };
}

const numbering =
  (duckName: string, type: SqlType): Aggregate =>
  (args, parts) => ({ sql: call(duckName, args.map((a) => a.sql).join(', '), parts), type });

/** LAG and LEAD: value, distance, and what to answer outside of the partition. */
const neighbour =
  (duckName: string): Aggregate =>
  (args, parts) => {
    const [value, distance, otherwise] = args;
    if (value === undefined) throw new SqlError(`${parts.name} needs an argument`, parts.at);
    const list = [
      value.sql,
      distance?.sql ?? '1',
      ...(otherwise === undefined ? [] : [coerceTo(otherwise, value.type, parts.at).sql]),
    ];
    return { sql: call(duckName, list.join(', '), parts), type: value.type };
  };

const edge =
  (duckName: string): Aggregate =>
  (args, parts) => {
    const value = args[0];
    if (value === undefined) throw new SqlError(`${parts.name} needs an argument`, parts.at);
    const list = args.map((a) => a.sql).join(', ') + (parts.nulls === 'IGNORE' ? ' IGNORE NULLS' : '');
    return { sql: call(duckName, list, { ...parts, nulls: null }), type: value.type };
  };

/** Functions that need OVER. */
export const windowOnly: Readonly<Record<string, Aggregate>> = {
  ROW_NUMBER: numbering('row_number', int),
  RANK: numbering('rank', int),
  DENSE_RANK: numbering('dense_rank', int),
  NTILE: numbering('ntile', int),
  PERCENT_RANK: numbering('percent_rank', float),
  CUME_DIST: numbering('cume_dist', float),
  LAG: neighbour('lag'),
  LEAD: neighbour('lead'),
  FIRST_VALUE: edge('first_value'),
  LAST_VALUE: edge('last_value'),
  NTH_VALUE: edge('nth_value'),
};
