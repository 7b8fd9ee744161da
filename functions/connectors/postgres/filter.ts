/** Row filters in PostgreSQL. COPY takes no parameters: every value is a quoted literal of its own type. */
import type { FilterDialect } from '#core/sql/row-filter';
import type { FilterLiteral } from '#core/typed-filter';
import { columnDialect, singleText } from '../filter-columns.ts';
import { escapeLiteral } from './names.ts';
import type { ColumnPlan } from './types.ts';

/** The dialect over the columns of `table`. What is compared is what is loaded: the expression that selects it. */
export function postgresFilter(plans: readonly ColumnPlan[], table: string): FilterDialect {
  return columnDialect(plans, table, {
    isNull: ({ expression }) => `${expression} IS NULL`,
    operand,
    literal,
    // PostgreSQL takes NaN for greater than any number.
    withoutNaN(condition, plan, operator) {
      const type = NAN_TYPES[plan.form];
      if (type === undefined || operator.startsWith('<')) return condition;
      return `(${condition} AND ${operand(plan)} <> 'NaN'::pg_catalog.${type})`;
    },
  });
}

const NAN_TYPES: Partial<Record<ColumnPlan['form'], string>> = {
  float4: 'float4',
  float8: 'float8',
  numeric: 'numeric',
};

function operand({ expression, column }: ColumnPlan): string {
  // By characters, whatever the column's collation takes for equal.
  if (column.type === 'STRING')
    return `pg_catalog.rtrim((${expression})::pg_catalog.text, ' ') COLLATE pg_catalog."C"`;
  return `(${expression})`;
}

function literal({ form }: ColumnPlan, { type, text }: FilterLiteral): string {
  const as = (name: string, value = text): string => `${escapeLiteral(value)}::pg_catalog.${name}`;
  switch (type) {
    case 'number':
      return isInt8(text) && form !== 'numeric' ? as('int8') : as('numeric');
    case 'float':
      return form === 'float4' ? as('float4', singleText(text)) : as('float8');
    case 'text':
      return as('text');
    case 'bool':
      return as('bool');
    case 'date':
      return as('date');
    case 'datetime':
      return as('timestamp');
    case 'timestamp':
      return as('timestamptz', `${text}+00`);
  }
}

function isInt8(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
