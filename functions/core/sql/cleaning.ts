import type { Cleaning, DropReason } from '../dataset.ts';
import { planCorrections, type Corrections } from './corrections.ts';
import { quoteText } from './quote.ts';

interface DropCase {
  readonly ctes: readonly (readonly [name: string, sql: string])[];
  /** What the lines (as `l`) are read from. */
  readonly from: string;
  /** The CASE: the first reason that holds, or null for a line that is kept. */
  readonly expression: string;
  readonly corrections: Pick<Corrections, 'quantity' | 'value' | 'made'>;
}

const DAY = 86_400_000;

/** Why each line of `folded` is left out: one CASE whose order is the order of DropReason. */
export function dropCase(
  cleaning: Cleaning,
  moment: { readonly asOf: string; readonly historyDays: number; readonly valued: boolean },
): DropCase {
  const ctes: (readonly [string, string])[] = [];
  const joins: string[] = [];
  const asOf = Date.parse(moment.asOf);
  const rules: [DropReason, string][] = [
    ['no-customer', 'l.customer IS NULL'],
    ['no-item', 'l.source_item IS NULL'],
    ['no-time', 'l.time IS NULL'],
    ['no-quantity', 'l.quantity IS NULL'],
    ['after-as-of', `l.time > TIMESTAMP_MILLIS(${asOf})`],
  ];
  if (moment.historyDays > 0)
    rules.push(['before-history', `l.time < TIMESTAMP_MILLIS(${asOf - moment.historyDays * DAY})`]);
  if (cleaning.netReturns) {
    rules.push(['return-settled', 'settled.is_return']);
    rules.push(['returned', 'settled.returned >= l.quantity AND l.quantity > 0.0']);
  }
  // A credit note keeps the quantity and turns the money round.
  if (cleaning.dropReturns) rules.push(['return', 'l.quantity <= 0 OR l.value < 0 OR l.price < 0']);
  if (cleaning.dropUnpriced) rules.push(['unpriced', 'l.value <= 0 OR l.price <= 0']);
  if (cleaning.excludeItems.length > 0) {
    const list = cleaning.excludeItems.map(quoteText).join(', ');
    rules.push(['excluded-item', `l.source_item IN (${list}) OR l.item IN (${list})`]);
  }
  if (cleaning.dropServiceCodes) {
    ctes.push([
      'codes',
      [
        `SELECT COUNTIF(REGEXP_CONTAINS(source_item, r'[0-9]')) >= 0.9 * COUNT(*) AS have_digits`,
        `FROM (SELECT DISTINCT source_item FROM source WHERE source_item IS NOT NULL)`,
      ].join('\n'),
    ]);
    joins.push('CROSS JOIN codes');
    rules.push(['service-code', `codes.have_digits AND NOT REGEXP_CONTAINS(l.source_item, r'[0-9]')`]);
  }
  if (cleaning.dropServiceNames)
    rules.push(['service-name', `REGEXP_CONTAINS(l.item_name, r'${SERVICE_NAMES}')`]);
  if (cleaning.projectFactor > 0) {
    ctes.push(...usualOrders(moment.valued ? 'value' : 'quantity'));
    joins.push(
      `LEFT JOIN orders ON orders.customer = l.customer AND orders.number = ${ORDER_NUMBER('l.')}`,
      'LEFT JOIN usual ON usual.customer = l.customer',
    );
    rules.push(['project', `orders.total > ${float(cleaning.projectFactor)} * usual.total`]);
  }
  if (cleaning.outlierFactor > 0) {
    ctes.push([
      'limits',
      [
        `SELECT item, MIN(quantity) AS p99`,
        `FROM (`,
        `  SELECT item, quantity, CUME_DIST() OVER (PARTITION BY item ORDER BY quantity) AS share`,
        `  FROM folded WHERE quantity > 0 AND item IS NOT NULL`,
        `)`,
        `WHERE share >= 0.99`,
        `GROUP BY item`,
      ].join('\n'),
    ]);
    joins.push('LEFT JOIN limits ON limits.item = l.item');
    rules.push(['outlier', `l.quantity > ${float(cleaning.outlierFactor)} * limits.p99`]);
  }
  let lines = 'folded';
  if (cleaning.dropDuplicates) {
    // FLOAT64 cannot be partitioned by; its text can.
    ctes.push([
      'counted',
      [
        `SELECT *, ROW_NUMBER() OVER (`,
        `  PARTITION BY basket, customer, source_item, time, CAST(quantity AS STRING), CAST(value AS STRING), CAST(price AS STRING)`,
        `  ORDER BY item_name, item_category, item_brand, customer_name, customer_segment`,
        `) AS copy`,
        `FROM folded`,
      ].join('\n'),
    ]);
    lines = 'counted';
    rules.push(['duplicate', 'l.copy > 1']);
  }
  const corrections = planCorrections(cleaning, {
    from: lines,
    copies: cleaning.dropDuplicates,
    valued: moment.valued,
  });
  return {
    ctes: [...ctes, ...corrections.ctes],
    from: [`${corrections.lines} AS l`, ...joins, ...corrections.joins].join('\n'),
    corrections,
    expression: [
      'CASE',
      ...rules.map(([reason, condition]) => `  WHEN ${condition} THEN ${quoteText(reason)}`),
      'END',
    ].join('\n'),
  };
}

/** Words that name no goods; German ones also at the end of longer words. */
const SERVICE_NAMES = [
  '(?i)(^|[^\\p{L}])(freight|postage|carriage|shipping( charges?)?|delivery charges?|surcharge|small order|deposit|fee|voucher|gift card',
  '|fracht(kosten)?|porto|versand(kosten)?|\\p{L}*pfand|\\p{L}*zuschlag|\\p{L}*gebühr|gutschein|frais de port|consigne)([^\\p{L}]|$)',
].join('');

/** What stands for an order where it has no number: the customer's day. */
const ORDER_NUMBER = (alias: string) =>
  `COALESCE(${alias}basket, CAST(DIV(UNIX_MICROS(${alias}time), 86400000000) AS STRING))`;
/** Orders below which nothing is usual. */
const LEAST_ORDERS = 5;

/** `orders` with their totals, and `usual`: the median of each customer that has enough of them. */
function usualOrders(amount: 'value' | 'quantity'): (readonly [string, string])[] {
  return [
    [
      'orders',
      [
        `SELECT customer, ${ORDER_NUMBER('')} AS number, SUM(${amount}) AS total`,
        `FROM folded WHERE quantity > 0.0 AND ${amount} > 0.0 AND customer IS NOT NULL`,
        'GROUP BY customer, number',
      ].join('\n'),
    ],
    [
      'usual',
      [
        'SELECT customer, MIN(total) AS total FROM (',
        '  SELECT customer, total, CUME_DIST() OVER (PARTITION BY customer ORDER BY total) AS share,',
        '    COUNT(*) OVER (PARTITION BY customer) AS n',
        '  FROM orders',
        `) WHERE share >= 0.5 AND n >= ${LEAST_ORDERS} GROUP BY customer`,
      ].join('\n'),
    ],
  ];
}

function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
