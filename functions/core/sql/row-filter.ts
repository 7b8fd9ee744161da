/** A typed row filter as the condition of a SELECT. What a database calls a value or compares it by is its dialect's. */
import type { FilterLiteral, TypedCondition, TypedFilter } from '../typed-filter.ts';

/** How one database writes the conditions on columns it has described. All texts are whole expressions. */
export interface FilterDialect {
  /** Whether the column is null. */
  isNull(column: string): string;
  /** Whether the column's value is one of these, or (`none`) not null and none of them. */
  oneOf(column: string, values: readonly FilterLiteral[], none: boolean): string;
  /** Whether it is below, at most, above, at least the value; false for NaN. */
  compare(column: string, operator: '<' | '<=' | '>' | '>=', value: FilterLiteral): string;
}

const OPERATORS = { lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

/** `filter` in `dialect`, in brackets. */
export function filterSql(filter: TypedFilter, dialect: FilterDialect): string {
  return joined(
    filter.match,
    filter.conditions.map((one) =>
      'match' in one
        ? joined(
            one.match,
            one.conditions.map((each) => conditionSql(each, dialect)),
          )
        : conditionSql(one, dialect),
    ),
  );
}

function joined(match: 'all' | 'any', conditions: readonly string[]): string {
  // A filter of nothing would be one of everything.
  if (conditions.length === 0) throw new RangeError('a filter without conditions');
  return `(${conditions.join(match === 'all' ? ' AND ' : ' OR ')})`;
}

function conditionSql({ column, test, values }: TypedCondition, dialect: FilterDialect): string {
  switch (test) {
    case 'null':
      return dialect.isNull(column);
    case 'not-null':
      return `NOT (${dialect.isNull(column)})`;
    case 'one-of':
    case 'none-of':
      return dialect.oneOf(column, values, test === 'none-of');
    default: {
      const [value] = values;
      if (value === undefined || values.length > 1)
        throw new RangeError(`${test} of ${values.length} values`);
      return dialect.compare(column, OPERATORS[test], value);
    }
  }
}
