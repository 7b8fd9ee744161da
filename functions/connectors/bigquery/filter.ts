/** Row filters in BigQuery: every value is a literal of its own type, for what is read is named by its statement's text. */
import type { FilterDialect } from '#core/sql/row-filter';
import type { FilterLiteral } from '#core/typed-filter';
import { columnDialect } from '../filter-columns.ts';
import { quoteIdentifier } from './select.ts';
import type { ColumnPlan } from './types.ts';

/** The dialect over the columns of `table`, whose alias is `t`. */
export function bigQueryFilter(plans: readonly ColumnPlan[], table: string): FilterDialect {
  // NaN is neither above nor below anything in BigQuery, too.
  return columnDialect(plans, table, {
    isNull: ({ column }) => `t.${quoteIdentifier(column.name)} IS NULL`,
    operand,
    literal: (_, value) => literal(value),
  });
}

/** What is compared: the column itself; of texts what is loaded, which has no collation. */
function operand({ column, expression }: ColumnPlan): string {
  return column.type === 'STRING' ? `RTRIM(${expression}, ' ')` : `t.${quoteIdentifier(column.name)}`;
}

function literal({ type, text }: FilterLiteral): string {
  switch (type) {
    case 'number':
      return numberSql(text);
    case 'float':
      return `CAST(${quoteText(text)} AS FLOAT64)`;
    case 'text':
      return quoteText(text);
    case 'bool':
      return text === 'true' ? 'TRUE' : 'FALSE';
    case 'date':
      return `DATE ${quoteText(text)}`;
    case 'datetime':
      return `DATETIME ${quoteText(text)}`;
    case 'timestamp':
      return `TIMESTAMP ${quoteText(`${text}+00`)}`;
  }
}

/** A number in the narrowest type that holds it exactly: what is compared is widened to it, never rounded. */
function numberSql(text: string): string {
  const [, whole, decimals = ''] = /^-?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) throw new RangeError(`number ${text.slice(0, 60)}`);
  if (decimals === '' && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return text;
  return `${whole.length <= 29 && decimals.length <= 9 ? 'NUMERIC' : 'BIGNUMERIC'} ${quoteText(text)}`;
}

/** A text in quotes, with the escapes of GoogleSQL. */
export function quoteText(text: string): string {
  const escaped = text.replaceAll(/[\\'\p{Cc}]/gu, (sign) =>
    sign === '\\' || sign === "'" ? `\\${sign}` : `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `'${escaped}'`;
}
