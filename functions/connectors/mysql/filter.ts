/** Row filters in MySQL and MariaDB. The text protocol takes no parameters: values are literals that no SQL mode changes. */
import type { FilterDialect } from '#core/sql/row-filter';
import type { FilterLiteral } from '#core/typed-filter';
import { columnDialect, singleText } from '../filter-columns.ts';
import { textLiteral } from './names.ts';
import type { ColumnPlan } from './types.ts';

/** The dialect over the columns of `table`. The session's zone is UTC. */
export function mysqlFilter(plans: readonly ColumnPlan[], table: string): FilterDialect {
  return columnDialect(plans, table, {
    isNull: ({ expression }) => `${expression} IS NULL`,
    operand,
    literal,
  });
}

function operand({ expression, column }: ColumnPlan): string {
  // By characters, whatever the column's collation takes for equal; this one ignores spaces at the end.
  if (column.type === 'STRING') return `CONVERT(${expression} USING utf8mb4) COLLATE utf8mb4_bin`;
  // Compared with a YEAR, the number 24 would be 2024.
  if (column.sourceType.startsWith('year')) return `(${expression} + 0)`;
  return expression;
}

/** Their texts are digits, or of letters and signs that `core/typed-filter.ts` has checked. */
const FORMS: Readonly<Record<Exclude<FilterLiteral['type'], 'text' | 'bool'>, RegExp>> = {
  number: /^-?\d{1,38}(?:\.\d{1,38})?$/,
  float: /^-?\d(?:\.\d+)?e[-+]\d+$/,
  date: /^\d{4}-\d\d-\d\d$/,
  datetime: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/,
  timestamp: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/,
};

function literal({ form }: ColumnPlan, { type, text }: FilterLiteral): string {
  if (type === 'text') return `${textLiteral(text)} COLLATE utf8mb4_bin`;
  if (type === 'bool') throw new RangeError('MySQL has no truth values');
  if (!FORMS[type].test(text)) throw new RangeError(`the ${type} ${JSON.stringify(text)}`);
  switch (type) {
    case 'number':
      return text;
    case 'float':
      // A single is compared as the double that it is exactly; beyond its range is beyond that of every single.
      return form === 'single' ? singleText(text).replace('Infinity', '1.7e308') : text;
    case 'date':
      return `DATE'${text}'`;
    default:
      return `TIMESTAMP'${text}'`;
  }
}
