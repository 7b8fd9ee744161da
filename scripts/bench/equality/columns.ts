/** The columns of the order lines, in the words of each system that reads them by itself. */

/** A column as PostgreSQL declares it. */
export interface OrderColumn {
  readonly name: string;
  readonly type: string;
}

/** UCI Online Retail. */
export const DESIGN =
  'InvoiceNo text, StockCode text, Description text, Quantity numeric(12,0), InvoiceDate timestamp, UnitPrice numeric(12,4), CustomerID numeric(9,0), Country text';

/** The columns of `text`: `Name type, Name type`. */
export function parseColumns(text: string): readonly OrderColumn[] {
  return text.split(/, (?=\w+ \w)/).map((each) => {
    const [name = '', ...type] = each.trim().split(' ');
    return { name, type: type.join(' ') };
  });
}

type System = 'mariadb' | 'duckdb' | 'bigquery';

const TYPES: Readonly<Record<string, Readonly<Record<System, (digits: string) => string>>>> = {
  text: { mariadb: () => 'text', duckdb: () => 'VARCHAR', bigquery: () => 'STRING' },
  timestamp: { mariadb: () => 'datetime(6)', duckdb: () => 'TIMESTAMP', bigquery: () => 'DATETIME' },
  date: { mariadb: () => 'date', duckdb: () => 'DATE', bigquery: () => 'DATE' },
  bigint: { mariadb: () => 'bigint', duckdb: () => 'BIGINT', bigquery: () => 'INT64' },
  numeric: {
    mariadb: (digits) => `decimal${digits}`,
    duckdb: (digits) => `DECIMAL${digits}`,
    bigquery: () => 'NUMERIC',
  },
};

/** The column's type in another system. @throws Error for types that are not compared */
export function typeIn(system: System, { name, type }: OrderColumn): string {
  const [, word = '', digits = ''] = /^(\w+)(\(.*\))?$/.exec(type) ?? [];
  const found = TYPES[word];
  if (found === undefined)
    throw new Error(`the column ${name} is ${type}; compared are ${Object.keys(TYPES).join(', ')}`);
  return found[system](digits);
}
