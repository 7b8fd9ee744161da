/** Row filters in SQL Server: values are parameters, as text, which the statement converts. */
import type { FilterDialect } from '#core/sql/row-filter';
import type { FilterLiteral } from '#core/typed-filter';
import { columnDialect, singleText } from '../filter-columns.ts';
import { bracket } from './names.ts';
import type { ColumnPlan } from './types.ts';

/** The dialect over the columns of `table`; `parameters` gets the values. */
export function sqlServerFilter(
  plans: readonly ColumnPlan[],
  table: string,
  parameters: Record<string, string>,
): FilterDialect {
  let count = 0;
  return columnDialect(plans, table, {
    isNull: ({ column }) => `${bracket(column.name)} IS NULL`,
    operand,
    literal(plan, value) {
      const name = `filter${count++}`;
      parameters[name] = parameterText(plan, value);
      return converted(value, `@${name}`);
    },
  });
}

/** By characters, whatever the column's collation takes for equal; like all of SQL Server's it ignores spaces at the end. */
const BY_CHARACTERS = 'COLLATE Latin1_General_100_BIN2';

/** What is compared: the column itself where its own type is compared, else what is loaded of it. */
function operand({ column, expression, typeName, form }: ColumnPlan): string {
  if (column.type === 'STRING')
    return typeName === 'uniqueidentifier'
      ? `CONVERT(nvarchar(36), ${expression}) ${BY_CHARACTERS}`
      : `${expression} ${BY_CHARACTERS}`;
  // A rowversion is compared as the number it is loaded as, and a datetime in the milliseconds.
  if (typeName === 'timestamp') return expression;
  if (typeName === 'datetime') return `CONVERT(datetime2(3), ${bracket(column.name)})`;
  return form === 'decimal' || form === 'bigint' ? bracket(column.name) : expression;
}

function parameterText({ form, typeName }: ColumnPlan, { type, text }: FilterLiteral): string {
  if (type === 'float') return form === 'single' ? singleText(text).replace('Infinity', '1e308') : text;
  if (type === 'bool') return text === 'true' ? '1' : '0';
  if (type === 'datetime') return text.replace(' ', 'T');
  if (type === 'timestamp') return `${text.replace(' ', 'T')}+00:00`;
  return type === 'text' && typeName === 'uniqueidentifier' ? text.toUpperCase() : text;
}

function converted({ type, text }: FilterLiteral, parameter: string): string {
  switch (type) {
    case 'number':
      return `CONVERT(decimal(38, ${(text.split('.')[1] ?? '').length}), ${parameter})`;
    case 'float':
      // A single is compared as the double that it is exactly.
      return `CONVERT(float, ${parameter})`;
    case 'text':
      return parameter;
    case 'bool':
      return `CONVERT(bit, ${parameter})`;
    case 'date':
      return `CONVERT(date, ${parameter}, 23)`;
    case 'datetime':
      return `CONVERT(datetime2(6), ${parameter}, 126)`;
    case 'timestamp':
      return `CONVERT(datetimeoffset(6), ${parameter}, 126)`;
  }
}
