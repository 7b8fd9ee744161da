import type { ColumnRef, DatasetDefinition } from '../dataset.ts';
import { TerminalError } from '../errors.ts';
import { quoteName } from './quote.ts';
import type { Resolved } from './resolve.ts';
import { cast, type Meaning } from './values.ts';

/** How many products may follow each other; a longer or circular chain is left unfolded. */
export const LONGEST_CHAIN = 6;

interface Succession {
  readonly ctes: readonly (readonly [name: string, sql: string])[];
  /** The lines of `source` with the item each counts for. */
  readonly folded: string;
}

/**
 * Purchases of a replaced product count for the product at the end of its chain of successors, under that product's
 * name, category and brand. The product table's key is the column its join ends at (or the item column itself, where the item
 * comes from that table).
 */
export function planSuccession(
  definition: DatasetDefinition,
  resolve: (ref: ColumnRef, what: string) => Resolved,
  tableName: (alias: string) => string,
): Succession {
  const { supersededBy, item, itemName, itemCategory, itemBrand } = definition.roles;
  if (supersededBy === undefined)
    return { ctes: [], folded: select('s.source_item', (text) => `s.source_item_${text}`, '') };
  const table = supersededBy.table;
  const key =
    item.table === table ? item : definition.joins.find((join) => join.right.table === table)?.right;
  if (key === undefined)
    throw new TerminalError('dataset-invalid', `The table "${table}" of supersededBy has no product key.`, {
      remedy: 'Choose a column of the joined product table.',
    });
  const field = (ref: ColumnRef, what: string, meaning: Meaning) => {
    const column = resolve(ref, what);
    return cast(
      { sql: `p.${quoteName(column.name)}`, type: column.type, what: `${ref.table}.${ref.column} (${what})` },
      meaning,
    );
  };
  const own = (ref: ColumnRef | undefined, what: string) =>
    ref?.table === table ? field(ref, what, 'text') : 'CAST(NULL AS STRING)';
  const steps = Array.from({ length: LONGEST_CHAIN }, (_, index) => index + 1);
  return {
    ctes: [
      [
        'products',
        [
          `SELECT item, MIN(NULLIF(successor, item)) AS successor, MIN(name) AS name, MIN(category) AS category, MIN(brand) AS brand`,
          `FROM (`,
          `  SELECT ${field(key, 'item', 'key')} AS item, ${field(supersededBy, 'supersededBy', 'key')} AS successor, ${own(itemName, 'itemName')} AS name, ${own(itemCategory, 'itemCategory')} AS category, ${own(itemBrand, 'itemBrand')} AS brand`,
          `  FROM ${tableName(table)} AS p`,
          `)`,
          `WHERE item IS NOT NULL`,
          `GROUP BY item`,
        ].join('\n'),
      ],
      ['succession', 'SELECT item, successor FROM products WHERE successor IS NOT NULL'],
      [
        'final',
        [
          `SELECT s1.item, CASE`,
          ...steps.map((n) => `  WHEN s${n + 1}.successor IS NULL THEN s${n}.successor`),
          `END AS successor`,
          `FROM succession AS s1`,
          ...steps.map((n) => `LEFT JOIN succession AS s${n + 1} ON s${n + 1}.item = s${n}.successor`),
        ].join('\n'),
      ],
    ],
    folded: select(
      'COALESCE(f.successor, s.source_item)',
      (text) => `IF(f.successor IS NULL, s.source_item_${text}, p.${text})`,
      '\nLEFT JOIN final AS f ON f.item = s.source_item\nLEFT JOIN products AS p ON p.item = f.successor',
    ),
  };
}

function select(item: string, text: (of: 'name' | 'category' | 'brand') => string, joins: string): string {
  return [
    'SELECT',
    '  s.customer, s.customer_key, s.customer_name, s.customer_segment, s.source_item, s.time, s.quantity, s.value, s.price, s.basket,',
    `  ${item} AS item,`,
    `  ${text('name')} AS item_name,`,
    `  ${text('category')} AS item_category,`,
    `  ${text('brand')} AS item_brand`,
    `FROM source AS s${joins}`,
  ].join('\n');
}
