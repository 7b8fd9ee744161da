/** DATE, DATETIME and TIMESTAMP functions. Timestamps are instants; without a zone they are read in UTC. */
import { castTo } from './cast.ts';
import { intervalOf, partMicros, weekStart } from './date-parts.ts';
import { argument, of } from './function-rule.ts';
import type { CallInfo, FunctionRule } from './function-rule.ts';
import type { Expr } from './scope.ts';
import { SqlError, unsupported } from './sql-error.ts';
import { quoteText, typeText } from './types.ts';

const zoneOf = (args: readonly Expr[], index: number, info: CallInfo): string =>
  args[index] === undefined ? "'UTC'" : argument(args, index, of('STRING'), info);
const badPart = (info: CallInfo): SqlError => unsupported(`the part ${info.part} in ${info.name}`, info.at);

/** Truncates a DATE or a zone-less timestamp (`sql`) to a part. */
function truncate(sql: string, info: CallInfo): string {
  const start = weekStart(info.part);
  // DuckDB's week starts on Monday: shift the days so that the wanted start falls on it.
  if (start !== null)
    return `(date_trunc('week', ${sql} - to_days(${(start + 6) % 7})) + to_days(${(start + 6) % 7}))`;
  if (
    !['MICROSECOND', 'MILLISECOND', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'MONTH', 'QUARTER', 'YEAR'].includes(
      info.part,
    )
  )
    throw badPart(info);
  return `date_trunc('${info.part.toLowerCase()}', ${sql})`;
}

const shift = (base: 'DATE' | 'DATETIME' | 'TIMESTAMP', sign: '+' | '-'): FunctionRule => ({
  min: 2,
  max: 2,
  emit: (args, info) => {
    const allowed =
      base === 'DATE'
        ? /^(DAY|WEEK|MONTH|QUARTER|YEAR)$/
        : base === 'TIMESTAMP'
          ? /^(MICROSECOND|MILLISECOND|SECOND|MINUTE|HOUR|DAY)$/
          : /./;
    const interval = allowed.test(info.part)
      ? intervalOf(info.part, argument(args, 1, of('INT64'), info))
      : null;
    if (interval === null) throw badPart(info);
    const moved = `(${argument(args, 0, of(base), info)} ${sign} ${interval})`;
    return { sql: base === 'DATE' ? `CAST(${moved} AS DATE)` : moved, type: of(base) };
  },
});

/** Boundaries crossed between two days. */
function dayDifference(a: string, b: string, info: CallInfo): string {
  const start = weekStart(info.part);
  // 1970-01-01 was a Thursday: four days after Sunday.
  if (start !== null)
    return `(tw_floor_divide((${a} - DATE '1970-01-01') + ${4 - start}, 7) - tw_floor_divide((${b} - DATE '1970-01-01') + ${4 - start}, 7))`;
  if (info.part === 'DAY') return `(${a} - ${b})`;
  if (!['MONTH', 'QUARTER', 'YEAR'].includes(info.part)) throw badPart(info);
  return `date_diff('${info.part.toLowerCase()}', ${b}, ${a})`;
}

const difference = (base: 'DATE' | 'DATETIME' | 'TIMESTAMP'): FunctionRule => ({
  min: 3,
  max: 3,
  takesPart: true,
  partAt: 2,
  emit: (args, info) => {
    const [a, b] = [argument(args, 0, of(base), info), argument(args, 1, of(base), info)];
    const micros = partMicros[info.part];
    if (base === 'TIMESTAMP') {
      if (micros === undefined) throw badPart(info);
      return { sql: `((epoch_us(${a}) - epoch_us(${b})) // ${micros})`, type: of('INT64') };
    }
    if (base === 'DATETIME' && micros !== undefined && info.part !== 'DAY')
      return {
        sql: `(tw_floor_divide(epoch_us(${a}), ${micros}) - tw_floor_divide(epoch_us(${b}), ${micros}))`,
        type: of('INT64'),
      };
    return {
      sql: `CAST(${dayDifference(`CAST(${a} AS DATE)`, `CAST(${b} AS DATE)`, info)} AS BIGINT)`,
      type: of('INT64'),
    };
  },
});

const truncation = (base: 'DATE' | 'DATETIME' | 'TIMESTAMP'): FunctionRule => ({
  min: 2,
  max: base === 'TIMESTAMP' ? 3 : 2,
  takesPart: true,
  partAt: 1,
  emit: (args, info) => {
    const value = argument(args, 0, of(base), info);
    if (base === 'DATE') {
      if (partMicros[info.part] !== undefined && info.part !== 'DAY') throw badPart(info);
      return { sql: `CAST(${truncate(value, info)} AS DATE)`, type: of(base) };
    }
    if (base === 'DATETIME') return { sql: truncate(value, info), type: of(base) };
    const zone = zoneOf(args, 2, info);
    return { sql: `timezone(${zone}, ${truncate(`timezone(${zone}, ${value})`, info)})`, type: of(base) };
  },
});

/** Format elements that mean the same in both systems. */
function checkFormat(format: string | undefined, info: CallInfo): string {
  if (format === undefined) throw unsupported(`a format that is no literal in ${info.name}`, info.at);
  const unknown = format.replaceAll(/%[YmdHMSFTjyBbAa%]/g, '').match(/%.?/);
  if (unknown) throw unsupported(`the format element ${unknown[0]} in ${info.name}`, info.at);
  return quoteText(format.replaceAll('%F', '%Y-%m-%d').replaceAll('%T', '%H:%M:%S'));
}

const format = (base: 'DATE' | 'DATETIME' | 'TIMESTAMP'): FunctionRule => ({
  min: 2,
  max: base === 'TIMESTAMP' ? 3 : 2,
  emit: (args, info) => {
    const value = argument(args, 1, of(base), info);
    return {
      sql: `strftime(${base === 'TIMESTAMP' ? `timezone(${zoneOf(args, 2, info)}, ${value})` : value}, ${checkFormat(args[0]?.text, info)})`,
      type: of('STRING'),
    };
  },
});

const parse = (base: 'DATE' | 'DATETIME' | 'TIMESTAMP'): FunctionRule => ({
  min: 2,
  max: base === 'TIMESTAMP' ? 3 : 2,
  emit: (args, info) => {
    const parsed = `strptime(${argument(args, 1, of('STRING'), info)}, ${checkFormat(args[0]?.text, info)})`;
    const sql =
      base === 'DATE'
        ? `CAST(${parsed} AS DATE)`
        : base === 'DATETIME'
          ? parsed
          : `timezone(${zoneOf(args, 2, info)}, ${parsed})`;
    return { sql, type: of(base) };
  },
});

const ints = (args: readonly Expr[], info: CallInfo): string[] =>
  args.map((_, i) => argument(args, i, of('INT64'), info));

function extract(args: readonly Expr[], info: CallInfo): Expr {
  const value = args[0];
  const base = value?.type.base;
  if (
    value === undefined ||
    (base !== 'DATE' && base !== 'DATETIME' && base !== 'TIMESTAMP' && base !== 'TIME')
  )
    throw new SqlError(
      `EXTRACT from type ${value === undefined ? 'nothing' : typeText(value.type)} not supported`,
      info.at,
    );
  if (args[1] !== undefined && base !== 'TIMESTAMP')
    throw new SqlError('EXTRACT from DATE does not support AT TIME ZONE', info.at);
  const local = base === 'TIMESTAMP' ? `timezone(${zoneOf(args, 1, info)}, ${value.sql})` : value.sql;
  if (info.part === 'DATE') return { sql: `CAST(${local} AS DATE)`, type: of('DATE') };
  if (info.part === 'TIME') return { sql: `CAST(${local} AS TIME)`, type: of('TIME') };
  const parts: Readonly<Record<string, string>> = {
    YEAR: 'year($)',
    QUARTER: 'quarter($)',
    MONTH: 'month($)',
    DAY: 'day($)',
    HOUR: 'hour($)',
    MINUTE: 'minute($)',
    SECOND: 'second($)',
    MILLISECOND: '(millisecond($) % 1000)',
    MICROSECOND: '(microsecond($) % 1000000)',
    DAYOFWEEK: '(dayofweek($) + 1)',
    DAYOFYEAR: 'dayofyear($)',
    ISOWEEK: "date_part('week', $)",
    ISOYEAR: "date_part('isoyear', $)",
    WEEK: '((dayofyear($) + 6 - dayofweek($)) // 7)',
  };
  const template = parts[info.part];
  if (
    template === undefined ||
    (base === 'DATE' && partMicros[info.part] !== undefined && info.part !== 'DAY')
  )
    throw badPart(info);
  return { sql: `CAST(${template.replaceAll('$', local)} AS BIGINT)`, type: of('INT64') };
}

export const dateFunctions: Readonly<Record<string, FunctionRule>> = {
  CURRENT_TIMESTAMP: { min: 0, max: 0, emit: () => ({ sql: 'now()', type: of('TIMESTAMP') }) },
  CURRENT_DATETIME: { min: 0, max: 0, emit: () => ({ sql: "timezone('UTC', now())", type: of('DATETIME') }) },
  CURRENT_DATE: { min: 0, max: 0, emit: () => ({ sql: 'CAST(now() AS DATE)', type: of('DATE') }) },
  DATE: {
    min: 1,
    max: 3,
    emit: (args, info) => {
      const first = args[0];
      if (args.length === 3) return { sql: `make_date(${ints(args, info).join(', ')})`, type: of('DATE') };
      if (first?.type.base === 'TIMESTAMP')
        return { sql: `CAST(timezone(${zoneOf(args, 1, info)}, ${first.sql}) AS DATE)`, type: of('DATE') };
      if (first === undefined || args.length > 1)
        throw new SqlError('No matching signature for function DATE', info.at);
      return castTo(first, of('DATE'), false, info.at);
    },
  },
  DATETIME: {
    min: 1,
    max: 6,
    emit: (args, info) => {
      const first = args[0];
      if (args.length === 6) {
        const [y, mo, d, h, mi, s] = ints(args, info);
        return {
          sql: `make_timestamp(${y}, ${mo}, ${d}, ${h}, ${mi}, CAST(${s} AS DOUBLE))`,
          type: of('DATETIME'),
        };
      }
      if (first?.type.base === 'TIMESTAMP' && args.length <= 2)
        return { sql: `timezone(${zoneOf(args, 1, info)}, ${first.sql})`, type: of('DATETIME') };
      if (first === undefined || args.length > 1)
        throw new SqlError('No matching signature for function DATETIME', info.at);
      return castTo(first, of('DATETIME'), false, info.at);
    },
  },
  TIMESTAMP: {
    min: 1,
    max: 2,
    emit: (args, info) => {
      const first = args[0];
      if (first === undefined) throw new SqlError('No matching signature for function TIMESTAMP', info.at);
      if (args.length === 1) return castTo(first, of('TIMESTAMP'), false, info.at);
      const local = castTo(first, of('DATETIME'), false, info.at).sql;
      return { sql: `timezone(${zoneOf(args, 1, info)}, ${local})`, type: of('TIMESTAMP') };
    },
  },
  STRING: {
    min: 1,
    max: 1,
    emit: ([value], info) => castTo(value ?? { sql: '', type: of('STRING') }, of('STRING'), false, info.at),
  },
  DATE_ADD: shift('DATE', '+'),
  DATE_SUB: shift('DATE', '-'),
  DATETIME_ADD: shift('DATETIME', '+'),
  DATETIME_SUB: shift('DATETIME', '-'),
  TIMESTAMP_ADD: shift('TIMESTAMP', '+'),
  TIMESTAMP_SUB: shift('TIMESTAMP', '-'),
  DATE_DIFF: difference('DATE'),
  DATETIME_DIFF: difference('DATETIME'),
  TIMESTAMP_DIFF: difference('TIMESTAMP'),
  DATE_TRUNC: truncation('DATE'),
  DATETIME_TRUNC: truncation('DATETIME'),
  TIMESTAMP_TRUNC: truncation('TIMESTAMP'),
  FORMAT_DATE: format('DATE'),
  FORMAT_DATETIME: format('DATETIME'),
  FORMAT_TIMESTAMP: format('TIMESTAMP'),
  PARSE_DATE: parse('DATE'),
  PARSE_DATETIME: parse('DATETIME'),
  PARSE_TIMESTAMP: parse('TIMESTAMP'),
  EXTRACT: { min: 1, max: 2, emit: extract },
  LAST_DAY: {
    min: 1,
    max: 1,
    emit: (args, info) => ({ sql: `last_day(${argument(args, 0, of('DATE'), info)})`, type: of('DATE') }),
  },
  UNIX_MICROS: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `epoch_us(${argument(args, 0, of('TIMESTAMP'), info)})`,
      type: of('INT64'),
    }),
  },
  UNIX_MILLIS: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `tw_floor_divide(epoch_us(${argument(args, 0, of('TIMESTAMP'), info)}), 1000)`,
      type: of('INT64'),
    }),
  },
  UNIX_SECONDS: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `tw_floor_divide(epoch_us(${argument(args, 0, of('TIMESTAMP'), info)}), 1000000)`,
      type: of('INT64'),
    }),
  },
  UNIX_DATE: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `(${argument(args, 0, of('DATE'), info)} - DATE '1970-01-01')`,
      type: of('INT64'),
    }),
  },
  DATE_FROM_UNIX_DATE: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `(DATE '1970-01-01' + CAST(${argument(args, 0, of('INT64'), info)} AS INTEGER))`,
      type: of('DATE'),
    }),
  },
  TIMESTAMP_MICROS: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `make_timestamptz(${argument(args, 0, of('INT64'), info)})`,
      type: of('TIMESTAMP'),
    }),
  },
  TIMESTAMP_MILLIS: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `make_timestamptz(1000 * ${argument(args, 0, of('INT64'), info)})`,
      type: of('TIMESTAMP'),
    }),
  },
  TIMESTAMP_SECONDS: {
    min: 1,
    max: 1,
    emit: (args, info) => ({
      sql: `make_timestamptz(1000000 * ${argument(args, 0, of('INT64'), info)})`,
      type: of('TIMESTAMP'),
    }),
  },
  GENERATE_DATE_ARRAY: {
    min: 2,
    max: 3,
    emit: (args, info) => {
      const step =
        args.length > 2 ? intervalOf(info.part, argument(args, 2, of('INT64'), info)) : 'to_days(1)';
      if (step === null) throw badPart(info);
      return {
        sql: `CAST(generate_series(CAST(${argument(args, 0, of('DATE'), info)} AS TIMESTAMP), CAST(${argument(args, 1, of('DATE'), info)} AS TIMESTAMP), ${step}) AS DATE[])`,
        type: { base: 'ARRAY', element: of('DATE') },
      };
    },
  },
};
