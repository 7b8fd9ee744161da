import type { ChangeReason } from '#core/dataset';

/*
 * The run's own tables, made from its lines (`run_<run>_lines`): counts by reason, dense ids, interactions. Ids count
 * from 0 in the order of the keys, so that the same lines always get the same ids.
 */

/**
 * Lines by drop reason, with two order-independent sums over each group's content, of 60 bits of each line's MD5.
 * `lines`: a quoted table. `changes`: those that are counted, `changed_0` the first of them.
 */
export function countLinesSql(lines: string, changes: readonly ChangeReason[] = []): string {
  const counted = changes.map((change, n) => `, COUNTIF(STRPOS(changes, '${change}') > 0) AS changed_${n}`);
  return [
    `SELECT drop_reason, COUNT(*) AS n, BIT_XOR(fingerprint) AS mixed, SUM(MOD(fingerprint, 1000000007)) AS summed${counted.join('')}`,
    'FROM (',
    `  SELECT drop_reason, ${changes.length > 0 ? 'changes, ' : ''}CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(CONCAT(`,
    `    IFNULL(customer, ''), '\\n', IFNULL(item, ''), '\\n', IFNULL(CAST(UNIX_MICROS(time) AS STRING), ''), '\\n',`,
    `    CAST(quantity AS STRING), '\\n', IFNULL(CAST(value AS STRING), ''), '\\n', IFNULL(basket, ''), '\\n',`,
    `    IFNULL(customer_name, ''), '\\n', IFNULL(item_name, ''), '\\n', IFNULL(item_category, ''), '\\n',`,
    `    IFNULL(item_brand, ''), '\\n', IFNULL(customer_segment, '')`,
    '  ))), 1, 15)) AS INT64) AS fingerprint',
    `  FROM ${lines}`,
    ')',
    'GROUP BY drop_reason',
  ].join('\n');
}

/** What tables of lines that an earlier release made lack: a run that is repeated from them stays possible. */
export const LATER_COLUMNS = ['item_brand', 'customer_segment'] as const;
export type LaterColumn = (typeof LATER_COLUMNS)[number];

/**
 * `id` INT64, `key` STRING, `name` STRING, `segment` STRING: the kept lines' customers, each under the name and in the segment
 * that its lines say most often; what its own lines say goes before those of customers merged into it. `lacks`: columns that
 * the lines do not have; what would come from them is left out.
 */
export function customersSql(lines: string, lacks: readonly LaterColumn[] = []): string {
  const texts: readonly Text[] = [
    ['customer_name', 'name'],
    ...(lacks.includes('customer_segment') ? [] : [['customer_segment', 'segment'] as const]),
  ];
  return entitiesSql(lines, 'customer', texts, `COUNTIF(STRPOS(IFNULL(changes, ''), 'merged-customer') = 0)`);
}

/** `id` INT64, `key` STRING, `name` STRING, `category` STRING, `brand` STRING: the kept lines' items; `lacks` as above. */
export function itemsSql(lines: string, lacks: readonly LaterColumn[] = []): string {
  return entitiesSql(
    lines,
    'item',
    [
      ['item_name', 'name'],
      ['item_category', 'category'],
      ...(lacks.includes('item_brand') ? [] : [['item_brand', 'brand'] as const]),
    ],
    null,
  );
}

/** `customer`, `item` INT64 (ids), `time` TIMESTAMP, `quantity`, `value` FLOAT64, `basket` INT64 (a hash of its key). */
export function interactionsSql(lines: string, customers: string, items: string): string {
  return [
    'SELECT c.id AS customer, i.id AS item, l.time, l.quantity, l.value, FARM_FINGERPRINT(l.basket) AS basket',
    `FROM ${lines} AS l`,
    `JOIN ${customers} AS c ON c.key = l.customer`,
    `JOIN ${items} AS i ON i.key = l.item`,
    'WHERE l.drop_reason IS NULL',
  ].join('\n');
}

type Text = readonly [from: string, to: string];

/**
 * The most frequent text wins, the latest of equals, then the first by alphabet: the same lines, the same name. `before`: what
 * counts more than frequency.
 */
function entitiesSql(
  lines: string,
  key: 'customer' | 'item',
  texts: readonly Text[],
  before: string | null,
): string {
  const rank = [before, 'COUNT(*)', 'MAX(time)'].flatMap((by) => (by === null ? [] : [`${by} DESC`]));
  const votes = texts.map(([from, to]) =>
    [
      `${to}s AS (`,
      `  SELECT ${key} AS key, ${from} AS ${to}`,
      `  FROM ${lines} WHERE drop_reason IS NULL AND ${from} IS NOT NULL`,
      `  GROUP BY ${key}, ${from}`,
      `  QUALIFY ROW_NUMBER() OVER (PARTITION BY ${key} ORDER BY ${rank.join(', ')}, ${from}) = 1`,
      `)`,
    ].join('\n'),
  );
  return [
    `WITH keys AS (SELECT DISTINCT ${key} AS key FROM ${lines} WHERE drop_reason IS NULL),`,
    votes.join(',\n'),
    `SELECT ROW_NUMBER() OVER (ORDER BY keys.key) - 1 AS id, keys.key, ${texts.map(([, to]) => `${to}s.${to}`).join(', ')}`,
    'FROM keys',
    ...texts.map(([, to]) => `LEFT JOIN ${to}s ON ${to}s.key = keys.key`),
  ].join('\n');
}
