import type { Cleaning, DropReason } from '../dataset.ts';
import { quoteText } from './quote.ts';

interface DropCase {
  readonly ctes: readonly (readonly [name: string, sql: string])[];
  /** What the lines (as `l`) are read from. */
  readonly from: string;
  /** The CASE: the first reason that holds, or null for a line that is kept. */
  readonly expression: string;
}

const DAY = 86_400_000;

/** Why each line of `folded` is left out: one CASE whose order is the order of DropReason. */
export function dropCase(
  cleaning: Cleaning,
  moment: { readonly asOf: string; readonly historyDays: number },
): DropCase {
  const ctes: [string, string][] = [];
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
        `  ORDER BY item_name, item_category, customer_name`,
        `) AS copy`,
        `FROM folded`,
      ].join('\n'),
    ]);
    lines = 'counted';
    rules.push(['duplicate', 'l.copy > 1']);
  }
  return {
    ctes,
    from: [`${lines} AS l`, ...joins].join('\n'),
    expression: [
      'CASE',
      ...rules.map(([reason, condition]) => `  WHEN ${condition} THEN ${quoteText(reason)}`),
      'END',
    ].join('\n'),
  };
}

function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
