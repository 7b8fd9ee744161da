/** A row filter with its values typed by the columns of one table and its relative dates counted: what sources carry out. */
import { z } from 'zod';
import { Column, type ColumnType } from './column.ts';
import { type FilterCondition, filteredColumns, type FilterValue, type RowFilter } from './row-filter.ts';
import { dayBefore, momentText } from './filter-moments.ts';

/**
 * A value in its canonical text. `number`: decimal digits; `float`: with an exponent; `text`: without spaces at its end;
 * `bool`: true or false; `date`: 2024-01-31; `datetime` and `timestamp` (in UTC): 2024-01-31 00:00:00.000000.
 */
export const FilterLiteral = z.object({
  type: z.enum(['number', 'float', 'text', 'bool', 'date', 'datetime', 'timestamp']),
  text: z.string(),
});
export type FilterLiteral = z.infer<typeof FilterLiteral>;

/** One condition; of `values` an order has exactly one, an equality at least one. */
export const TypedCondition = z.object({
  column: z.string(),
  test: z.enum(['one-of', 'none-of', 'lt', 'le', 'gt', 'ge', 'null', 'not-null']),
  values: z.array(FilterLiteral),
});
export type TypedCondition = z.infer<typeof TypedCondition>;

const match = z.enum(['all', 'any']);
const Conditions = z.array(
  z.union([z.object({ match, conditions: z.array(TypedCondition) }), TypedCondition]),
);
/** `columns`: those it looks at, each once, as they were when it was typed. */
export const TypedFilter = z.object({ match, conditions: Conditions, columns: z.array(Column) });
export type TypedFilter = z.infer<typeof TypedFilter>;

/** Why a filter cannot be carried out. */
export interface FilterProblem {
  readonly code: 'unknown-column' | 'filter-not-possible';
  readonly message: string;
  readonly remedy: string;
}

/** What can be asked of a column beside null, by its type; nothing else of the other types. */
const EQUALITY: ReadonlySet<ColumnType> = new Set([
  'INT64',
  'NUMERIC',
  'BIGNUMERIC',
  'STRING',
  'BOOL',
  'DATE',
  'DATETIME',
  'TIMESTAMP',
] as const);
const ORDER: ReadonlySet<ColumnType> = new Set([
  'INT64',
  'NUMERIC',
  'BIGNUMERIC',
  'FLOAT64',
  'DATE',
  'DATETIME',
  'TIMESTAMP',
] as const);
const MOMENTS: ReadonlySet<ColumnType> = new Set(['DATE', 'DATETIME', 'TIMESTAMP'] as const);

/** The operators that may be used on a column of this type. */
export function operatorsOf(type: ColumnType): FilterCondition['operator'][] {
  return [
    ...(EQUALITY.has(type) ? (['eq', 'ne', 'in', 'not-in'] as const) : []),
    ...(ORDER.has(type) ? (['lt', 'le', 'gt', 'ge'] as const) : []),
    ...(MOMENTS.has(type) ? (['within-last'] as const) : []),
    'null',
    'not-null',
  ];
}

/**
 * `filter` typed by `columns` (the table's, as its source names them).
 * @param asOf the moment from which relative dates count, in milliseconds
 * @returns the problem of the first condition that has one
 */
export function typeFilter(
  filter: RowFilter,
  columns: readonly Column[],
  asOf: number,
): { readonly filter: TypedFilter } | { readonly problem: FilterProblem } {
  try {
    const typed = (one: FilterCondition) => typeCondition(one, columns, asOf);
    const conditions = filter.conditions.map((one) =>
      'match' in one ? { match: one.match, conditions: one.conditions.map(typed) } : typed(one),
    );
    const looked = new Set(filteredColumns(filter));
    return {
      filter: {
        match: filter.match,
        conditions,
        columns: columns.filter(({ name }) => looked.has(name)).map((column) => ({ ...column })),
      },
    };
  } catch (error) {
    if (error instanceof Misfit) return { problem: error.problem };
    throw error;
  }
}

/** The filter that `column` is at least `value`; the problem where it cannot be. */
export function typeBeginning(column: Column, value: FilterValue): ReturnType<typeof typeFilter> {
  return typeFilter(
    { match: 'all', conditions: [{ column: column.name, operator: 'ge', value }] },
    [column],
    0,
  );
}

/** What is true where `filter` is (null: everywhere) and the single condition of `also` is, too. */
export function alsoWhere(filter: TypedFilter | null, also: TypedFilter): TypedFilter {
  if (filter === null) return also;
  const [condition] = also.conditions;
  if (condition === undefined || 'match' in condition || also.conditions.length > 1)
    throw new RangeError('more than one condition');
  const columns = [...filter.columns];
  for (const column of also.columns)
    if (!columns.some(({ name }) => name === column.name)) columns.push(column);
  if (filter.match === 'all') return { match: 'all', conditions: [...filter.conditions, condition], columns };
  // Spread out: (a or (b and c)) and d is (a and d) or (b and c and d).
  const groups = filter.conditions.flatMap((one) =>
    'match' in one && one.match === 'any'
      ? one.conditions.map((each) => [each])
      : ['match' in one ? one.conditions : [one]],
  );
  return {
    match: 'any',
    conditions: groups.map((own) => ({ match: 'all', conditions: [...own, condition] })),
    columns,
  };
}

class Misfit extends Error {
  readonly problem: FilterProblem;
  constructor(problem: FilterProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

function typeCondition(condition: FilterCondition, columns: readonly Column[], asOf: number): TypedCondition {
  const column = columns.find(({ name }) => name === condition.column);
  if (column === undefined)
    throw new Misfit({
      code: 'unknown-column',
      message: `The rows are chosen by a column "${condition.column}", which the table does not have.`,
      remedy: `It has: ${columns
        .map(({ name }) => name)
        .join(', ')
        .slice(0, 500)}.`,
    });
  const possible = operatorsOf(column.type);
  if (!possible.includes(condition.operator))
    throw new Misfit({
      code: 'filter-not-possible',
      message: `"${column.name}" is ${column.type}; rows cannot be chosen by "${condition.operator}" of it.`,
      remedy: `Use one of: ${possible.join(', ')}.`,
    });
  const about = { column: column.name };
  switch (condition.operator) {
    case 'null':
    case 'not-null':
      return { ...about, test: condition.operator, values: [] };
    case 'in':
    case 'not-in': {
      const values = condition.values.map((value) => literalOf(column, value));
      return { ...about, test: condition.operator === 'in' ? 'one-of' : 'none-of', values };
    }
    case 'within-last': {
      const day = dayBefore(asOf, condition.last.count, condition.last.unit);
      return { ...about, test: 'ge', values: [literalOf(column, day)] };
    }
    case 'eq':
      return { ...about, test: 'one-of', values: [literalOf(column, condition.value)] };
    case 'ne':
      return { ...about, test: 'none-of', values: [literalOf(column, condition.value)] };
    default:
      return { ...about, test: condition.operator, values: [literalOf(column, condition.value)] };
  }
}

const DECIMAL = /^-?\d{1,38}(?:\.\d{1,38})?$/;
const FLOAT = /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i;

function literalOf(column: Column, value: FilterValue): FilterLiteral {
  const refuse = (wanted: string): Misfit =>
    new Misfit({
      code: 'filter-not-possible',
      message: `"${column.name}" is ${column.type}, and ${JSON.stringify(value)} is no value of that.`,
      remedy: `Give ${wanted}.`,
    });
  const text = typeof value === 'string' ? value : String(value);
  switch (column.type) {
    case 'INT64':
    case 'NUMERIC':
    case 'BIGNUMERIC': {
      const digits = text.trim();
      if (typeof value === 'boolean' || !DECIMAL.test(digits) || digits.replace(/\D/g, '').length > 38)
        throw refuse('a number in digits, such as 12 or -3.5, of 38 digits at most');
      return { type: 'number', text: plainNumber(digits) };
    }
    case 'FLOAT64': {
      const number = FLOAT.test(text.trim()) ? Number(text) : Number.NaN;
      if (!Number.isFinite(number)) throw refuse('a number, such as 12 or 3.5');
      return { type: 'float', text: number.toExponential() };
    }
    case 'BOOL':
      if (!/^(true|false)$/.test(text)) throw refuse('true or false');
      return { type: 'bool', text };
    case 'STRING':
      // PostgreSQL has no text with the character 0; half a character is none anywhere.
      if (text.includes('\0') || /[\uD800-\uDFFF]/u.test(text)) throw refuse('a text');
      return { type: 'text', text: text.replace(/ +$/, '') };
    case 'DATE':
    case 'DATETIME':
    case 'TIMESTAMP': {
      const moment = typeof value === 'string' ? momentText(text.trim(), column.type) : null;
      if (moment === null)
        throw refuse(
          column.type === 'DATE'
            ? 'a date, such as 2024-01-31'
            : 'a date, or a moment such as 2024-01-31 08:30',
        );
      return moment;
    }
    default:
      throw new RangeError(`values of ${column.type} are not compared`);
  }
}

/** Without zeros that say nothing: -0 is 0, 1.50 is 1.5. */
function plainNumber(digits: string): string {
  const [, sign = '', whole = '0', decimals = ''] = /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(digits) ?? [];
  const number = decimals === '' ? whole : `${whole}.${decimals}`;
  return /[1-9]/.test(number) ? sign + number : '0';
}
