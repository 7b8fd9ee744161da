import type { ColumnRef, ColumnRoles, DatasetDefinition } from '../dataset.ts';
import { DELETED_AT } from '../warehouse-name.ts';
import { quoteName } from './quote.ts';
import { checkShape, type RawTables, type Resolved, resolveColumn } from './resolve.ts';
import { dropCase } from './cleaning.ts';
import { mergedCustomer } from './corrections.ts';
import { planSuccession } from './succession.ts';
import { cast, isBlank, type Meaning, type Typed } from './values.ts';

/**
 * The columns of a data set's lines, in order. `changes`: what cleaning put right, with spaces between; `drop_reason` is null
 * on the lines that are kept.
 */
export const LINE_COLUMNS = [
  { name: 'customer', type: 'STRING' },
  { name: 'customer_name', type: 'STRING' },
  { name: 'customer_segment', type: 'STRING' },
  { name: 'item', type: 'STRING' },
  { name: 'source_item', type: 'STRING' },
  { name: 'item_name', type: 'STRING' },
  { name: 'item_category', type: 'STRING' },
  { name: 'item_brand', type: 'STRING' },
  { name: 'time', type: 'TIMESTAMP' },
  { name: 'quantity', type: 'FLOAT64' },
  { name: 'value', type: 'FLOAT64' },
  { name: 'basket', type: 'STRING' },
  { name: 'changes', type: 'STRING' },
  { name: 'drop_reason', type: 'STRING' },
] as const;

export interface LinesOptions {
  /** The quoted name of a raw table, by its destination: see quoteTable. */
  readonly tableName: (destination: string) => string;
  /** Lines after this moment (ISO) are left out as `after-as-of`. */
  readonly asOf: string;
  /** Lines more than so many days before `asOf` are left out as `before-history`; 0: none. */
  readonly historyDays: number;
}

/**
 * The one query that turns a data set's raw tables into order lines, dropped ones included, each with its reason. It is
 * generated from the definition alone. Joined tables are first brought to one row per key, so that a join never
 * multiplies lines. A line without a quantity counts as one unit; one whose quantity cannot be read is dropped.
 * @throws TerminalError `dataset-invalid`, `table-not-loaded`, `unknown-column`, `column-unsuitable`
 */
export function linesSql(definition: DatasetDefinition, tables: RawTables, options: LinesOptions): string {
  checkShape(definition);
  const resolve = (ref: ColumnRef, what: string) => resolveColumn(definition, tables, ref, what);
  const sources = planSources(definition, resolve);
  const destinationOf = (alias: string) => {
    const destination = definition.tables.find((table) => table.alias === alias)?.destination ?? '';
    const marked = tables.get(destination)?.columns.some(({ name }) => name === DELETED_AT) === true;
    const name = options.tableName(destination);
    // Rows that are gone from the source are no lines, no customers and no products any more.
    return marked ? `(SELECT * FROM ${name} WHERE ${DELETED_AT} IS NULL)` : name;
  };
  const typed = (name: keyof ColumnRoles): Typed | null => {
    const ref = definition.roles[name];
    if (ref === undefined) return null;
    const column = resolve(ref, name);
    return {
      sql: sources.expression(column),
      type: column.type,
      what: `${ref.table}.${ref.column} (${name})`,
    };
  };
  const role = (name: keyof ColumnRoles, meaning: Meaning) => {
    const value = typed(name);
    return value === null ? null : cast(value, meaning);
  };

  const customer = role('customer', 'key') ?? 'NULL';
  const quantity = quantityOf(typed('quantity'));
  const price = role('price', 'number');
  const value = role('value', 'number') ?? (price === null ? null : `${price} * ${quantity}`);
  const source = [
    `SELECT`,
    `  ${mergedCustomer(customer, definition.cleaning.mergeCustomers)} AS customer,`,
    `  ${customer} AS customer_key,`,
    `  ${orNull(role('customerName', 'text'), 'STRING')} AS customer_name,`,
    `  ${orNull(role('customerSegment', 'text'), 'STRING')} AS customer_segment,`,
    `  ${role('item', 'key') ?? 'NULL'} AS source_item,`,
    `  ${orNull(role('itemName', 'text'), 'STRING')} AS source_item_name,`,
    `  ${orNull(role('itemCategory', 'text'), 'STRING')} AS source_item_category,`,
    `  ${orNull(role('itemBrand', 'text'), 'STRING')} AS source_item_brand,`,
    `  ${role('time', 'time') ?? 'NULL'} AS time,`,
    `  ${quantity} AS quantity,`,
    `  ${orNull(value, 'FLOAT64')} AS value,`,
    `  ${orNull(price, 'FLOAT64')} AS price,`,
    `  ${orNull(role('order', 'key'), 'STRING')} AS basket`,
    `FROM ${destinationOf(definition.tables[0]?.alias ?? '')} AS t0`,
    ...sources.joins,
  ].join('\n');

  const succession = planSuccession(definition, resolve, destinationOf);
  const {
    ctes: cleaningCtes,
    from,
    expression,
    corrections,
  } = dropCase(definition.cleaning, {
    ...options,
    valued: value !== null,
  });
  const corrected: Readonly<Record<string, string>> = {
    quantity: corrections.quantity,
    value: corrections.value,
    changes: changesMade(corrections.made),
  };
  const ctes: readonly (readonly [name: string, sql: string])[] = [
    ...sources.ctes(destinationOf),
    ['source', source],
    ...succession.ctes,
    ['folded', succession.folded],
    ...cleaningCtes,
  ];
  return [
    'WITH',
    ctes.map(([name, sql]) => `${name} AS (\n${indent(sql)}\n)`).join(',\n'),
    'SELECT',
    ...LINE_COLUMNS.slice(0, -1).map(({ name }) => `  ${corrected[name] ?? `l.${name}`} AS ${name},`),
    `${indent(expression)} AS drop_reason`,
    `FROM ${from}`,
  ].join('\n');
}

/** The changes of a line as text; null where there is none. */
function changesMade(made: readonly (readonly [name: string, condition: string])[]): string {
  if (made.length === 0) return 'CAST(NULL AS STRING)';
  const parts = made.map(([name, condition]) => `IF(${condition}, '${name} ', '')`);
  return `NULLIF(TRIM(${parts.length === 1 ? parts[0] : `CONCAT(${parts.join(', ')})`}), '')`;
}

interface Sources {
  /** Where a column is found in the joined row. */
  readonly expression: (column: Resolved) => string;
  readonly joins: readonly string[];
  readonly ctes: (tableName: (alias: string) => string) => readonly (readonly [string, string])[];
}

/** One CTE per joined table with the columns that are needed of it, one row per key. */
function planSources(
  definition: DatasetDefinition,
  resolve: (ref: ColumnRef, what: string) => Resolved,
): Sources {
  const main = definition.tables[0]?.alias ?? '';
  const needed = [
    ...Object.entries(definition.roles).flatMap(([role, ref]) =>
      ref === undefined || role === 'supersededBy' ? [] : [resolve(ref, role)],
    ),
    ...definition.joins.map((join) => resolve(join.left, 'join')),
  ];
  const joined = definition.joins.map((join, index) => {
    const key = resolve(join.right, 'join');
    const columns = [
      ...new Set(
        needed.filter((one) => one.alias === key.alias && one.name !== key.name).map((one) => one.name),
      ),
    ];
    return { alias: `t${index + 1}`, table: key.alias, key, left: resolve(join.left, 'join'), columns };
  });
  const expression = (column: Resolved): string => {
    if (column.alias === main) return `t0.${quoteName(column.name)}`;
    const at = joined.find((one) => one.table === column.alias);
    if (at === undefined) return `t0.${quoteName(column.name)}`;
    return `${at.alias}.${at.key.name === column.name ? 'k0' : `c${at.columns.indexOf(column.name)}`}`;
  };
  return {
    expression,
    joins: joined.map(({ alias, key, left }) => {
      const ours = { sql: expression(left), type: left.type, what: `${left.alias}.${left.name} (join)` };
      // Numbers of one type are compared as they are; an INT64 meets a STRING as the text of its number.
      const condition =
        left.type === key.type && left.type === 'INT64'
          ? `${alias}.k0 = ${ours.sql}`
          : `${alias}.k = ${cast(ours, 'key')}`;
      return `LEFT JOIN joined_${alias} AS ${alias} ON ${condition}`;
    }),
    ctes: (tableName) =>
      joined.map(({ alias, table, key, columns }) => {
        const raw = quoteName(key.name);
        const order = ['k0', ...columns.map((_, index) => `c${index}`)].join(', ');
        return [
          `joined_${alias}`,
          [
            `SELECT k, k0${columns.map((_, index) => `, c${index}`).join('')}`,
            `FROM (`,
            `  SELECT ${cast({ sql: raw, type: key.type, what: `${table}.${key.name} (join)` }, 'key')} AS k, ${raw} AS k0${columns.map((name, index) => `, ${quoteName(name)} AS c${index}`).join('')}`,
            `  FROM ${tableName(table)}`,
            `)`,
            `WHERE k IS NOT NULL`,
            `QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY ${order}) = 1`,
          ].join('\n'),
        ];
      }),
  };
}

/** One unit where nothing is said; null, which cleaning drops, where what is said is no number. */
function quantityOf(quantity: Typed | null): string {
  return quantity === null ? '1.0' : `IF(${isBlank(quantity)}, 1.0, ${cast(quantity, 'number')})`;
}

function orNull(sql: string | null, type: string): string {
  return sql ?? `CAST(NULL AS ${type})`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
