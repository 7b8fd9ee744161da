/** DuckDB macros that the translation uses, made once per database. */

/** SQL to run, in order, on opening. All are `OR REPLACE`, so an older database gets today's. */
export const macros: readonly string[] = [
  // Floor division; DuckDB's // truncates.
  `CREATE OR REPLACE MACRO tw_floor_divide(a, b) AS (a // b) - CASE WHEN a % b <> 0 AND ((a % b < 0) <> (b < 0)) THEN 1 ELSE 0 END`,
  `CREATE OR REPLACE MACRO tw_divide(a, b) AS CASE WHEN b = 0 THEN error('division by zero: ' || CAST(a AS VARCHAR) || ' / ' || CAST(b AS VARCHAR)) ELSE a / b END`,
  // NUMERIC division, exact to 9 digits, halves away from zero: on integers of billionths.
  `CREATE OR REPLACE MACRO tw_billionths(x) AS CAST(x * CAST(1000000000 AS DECIMAL(10,0)) AS HUGEINT)`,
  `CREATE OR REPLACE MACRO tw_numeric_divide(a, b) AS CASE WHEN b = 0 THEN error('division by zero: ' || CAST(a AS VARCHAR) || ' / 0') ELSE
     CAST(CAST((abs(tw_billionths(a)) * 2000000000 + abs(tw_billionths(b))) // (2 * abs(tw_billionths(b))) * (CASE WHEN (a < 0) <> (b < 0) THEN -1 ELSE 1 END) AS DECIMAL(38,0))
       * CAST('0.000000001' AS DECIMAL(10,9)) AS DECIMAL(38,9)) END`,
  `CREATE OR REPLACE MACRO tw_decimal_text(x) AS CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.') ELSE CAST(x AS VARCHAR) END`,
  // 15 digits where they say the number exactly, else 17. Whole numbers, most of all there are, are written without trying.
  `CREATE OR REPLACE MACRO tw_float_text(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'inf' ELSE '-inf' END
     WHEN x = trunc(x) AND abs(x) < 1e15 THEN CAST(CAST(x AS BIGINT) AS VARCHAR)
     WHEN CAST(format('{:.15g}', x) AS DOUBLE) = x THEN format('{:.15g}', x) ELSE format('{:.17g}', x) END`,
  // Seconds have no fraction, three digits or six.
  `CREATE OR REPLACE MACRO tw_seconds_text(t) AS CASE WHEN NOT contains(t, '.') THEN t
     ELSE regexp_extract(t, '^(.*)\\.', 1) || '.' || rpad(regexp_extract(t, '\\.(.*)$', 1), CASE WHEN length(regexp_extract(t, '\\.(.*)$', 1)) <= 3 THEN 3 ELSE 6 END, '0') END`,
  `CREATE OR REPLACE MACRO tw_substr_start(s, p) AS CASE WHEN p > 0 THEN p WHEN p = 0 THEN 1 ELSE greatest(length(s) + p + 1, 1) END`,
  `CREATE OR REPLACE MACRO tw_substr(s, p, n) AS CASE WHEN n < 0 THEN error('Third argument in SUBSTR() cannot be negative') ELSE substr(s, tw_substr_start(s, p), n) END`,
  `CREATE OR REPLACE MACRO tw_substr_tail(s, p) AS substr(s, tw_substr_start(s, p))`,
  `CREATE OR REPLACE MACRO tw_element(list, i) AS CASE WHEN list IS NULL THEN NULL WHEN i < 1 OR i > len(list) THEN error('Array index ' || CAST(i - 1 AS VARCHAR) || ' is out of bounds') ELSE list[i] END`,
  `CREATE OR REPLACE MACRO tw_element_or_null(list, i) AS CASE WHEN i < 1 THEN NULL ELSE list[i] END`,
];
