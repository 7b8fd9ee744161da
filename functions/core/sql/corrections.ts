import type { ChangeReason, Cleaning } from '../dataset.ts';
import { TerminalError } from '../errors.ts';
import { quoteText } from './quote.ts';

type Cte = readonly [name: string, sql: string];

/** Quantity and value of a line (as `l`) as they are learned from, and what that changed. */
export interface Corrections {
  readonly ctes: readonly Cte[];
  /** What the lines are read from. */
  readonly lines: string;
  readonly joins: readonly string[];
  readonly quantity: string;
  readonly value: string;
  /** By change, the condition that it was made. */
  readonly made: readonly (readonly [ChangeReason, string])[];
  /** Whether returns are settled: then `settled.returned` and `settled.is_return` are there. */
  readonly settles: boolean;
}

/** The corrections that `cleaning` asks for, over the lines of the CTE `from`. `copies`: whether it counts copies of lines. */
export function planCorrections(
  cleaning: Cleaning,
  { from, copies, valued }: { readonly from: string; readonly copies: boolean; readonly valued: boolean },
): Corrections {
  const settling = cleaning.netReturns ? settle(from, copies) : null;
  const units = cleaning.alignUnits && valued ? alignUnits() : null;
  const kept = settling === null ? 'l.quantity' : '(l.quantity - IFNULL(settled.returned, 0.0))';
  return {
    ctes: [...(settling?.ctes ?? []), ...(units ?? [])],
    lines: settling === null ? from : 'numbered',
    joins: [
      ...(settling === null
        ? []
        : [
            'LEFT JOIN settled ON settled.customer = l.customer AND settled.source_item = l.source_item AND settled.n = l.n',
          ]),
      ...(units === null
        ? []
        : ['LEFT JOIN units ON units.source_item = l.source_item AND l.time <= units.until']),
    ],
    quantity: units === null ? kept : `${kept} * IFNULL(units.factor, 1.0)`,
    value:
      settling === null ? 'l.value' : `IF(settled.returned > 0.0, l.value * ${kept} / l.quantity, l.value)`,
    made: [
      ...(cleaning.mergeCustomers.length > 0
        ? [['merged-customer', 'l.customer != l.customer_key'] as const]
        : []),
      ...(settling === null ? [] : [['returned-part', 'settled.returned > 0.0'] as const]),
      ...(units === null ? [] : [['other-unit', 'units.factor IS NOT NULL'] as const]),
    ],
    settles: settling !== null,
  };
}

/** Days within which goods come back. */
const RETURN_DAYS = 180;

/** How much more than a line holds its returns may add up to: sums of decimals are off by a hair. */
const HAIR = '1.000000001';

/**
 * `settled`: by number of a line among those of its customer and item, what came back of it; and the returns that are
 * settled so. A return comes off the newest line that holds as much; where earlier returns have left too little of that, off
 * the one before; where that has too little as well, it is not settled. Copies that will be left out take no part. Of equal
 * lines either may be taken: they are equal.
 */
function settle(from: string, copies: boolean): { readonly ctes: readonly Cte[] } {
  const original = (alias: string) => (copies ? ` AND ${alias}.copy = 1` : '');
  const line = 'customer, source_item';
  return {
    ctes: [
      [
        'numbered',
        [
          'SELECT *, ROW_NUMBER() OVER (',
          '  PARTITION BY customer, source_item ORDER BY time, quantity DESC, value, basket, item_name',
          ') AS n',
          `FROM ${from}`,
        ].join('\n'),
      ],
      [
        'candidates',
        [
          'SELECT r.customer, r.source_item, r.n AS return_n, -r.quantity AS quantity, p.n AS n, p.quantity AS held,',
          '  ROW_NUMBER() OVER newest AS choice, LEAD(p.n) OVER newest AS next_n, LEAD(p.quantity) OVER newest AS next_held',
          'FROM numbered AS r',
          'JOIN numbered AS p ON p.customer = r.customer AND p.source_item = r.source_item',
          `WHERE r.quantity < 0.0${original('r')} AND p.quantity >= -r.quantity AND p.quantity > 0.0${original('p')}`,
          `  AND p.time <= r.time AND TIMESTAMP_DIFF(r.time, p.time, DAY) <= ${RETURN_DAYS}`,
        ]
          .join('\n')
          .replaceAll('OVER newest', 'OVER (PARTITION BY r.customer, r.source_item, r.n ORDER BY p.n DESC)'),
      ],
      [
        'wanted',
        [
          `SELECT *, SUM(quantity) OVER (PARTITION BY ${line}, n ORDER BY return_n) <= held * ${HAIR} AS fits`,
          'FROM candidates WHERE choice = 1',
        ].join('\n'),
      ],
      [
        'returns',
        [
          `SELECT ${line}, return_n, n, quantity FROM (`,
          // Who found room comes first, so that those sent on take only what is left.
          `  SELECT *, SUM(quantity) OVER (PARTITION BY ${line}, n ORDER BY turn, return_n) AS so_far FROM (`,
          `    SELECT ${line}, return_n, quantity, IF(fits, 0, 1) AS turn,`,
          '      IF(fits, n, next_n) AS n, IF(fits, held, next_held) AS held',
          '    FROM wanted',
          '  )',
          `) WHERE so_far <= held * ${HAIR}`,
        ].join('\n'),
      ],
      [
        'settled',
        [
          'SELECT customer, source_item, n, SUM(quantity) AS returned, FALSE AS is_return',
          'FROM returns GROUP BY customer, source_item, n',
          'UNION ALL',
          'SELECT customer, source_item, return_n, 0.0, TRUE FROM returns',
        ].join('\n'),
      ],
    ],
  };
}

/** Factors that goods are packed by. */
const PACKS = [6, 10, 12, 20, 24, 25, 48, 50, 100, 144, 200, 250, 500, 1000] as const;
/** The newest lines whose median price is the price of today. */
const NEWEST = 9;
/** Prices this far from today's are of another unit, or mistakes. */
const FAR = 3.5;
/** Lines of either unit, so that it is no mistake. */
const LEAST_LINES = 5;
/** How far medians of prices (discounts, rises) and of quantities (people differ) may be off the factor. */
const PRICE_SLACK = 1.35;
const QUANTITY_SLACK = 3;

/**
 * `units`: items that changed their unit once, until when they were sold in the old one, and how many new units one of those
 * was. By prices, which hardly differ, and confirmed by quantities; both units must part at one moment.
 */
function alignUnits(): readonly Cte[] {
  const nearest = PACKS.map((pack, at) => {
    const next = PACKS[at + 1];
    return next === undefined ? `  ELSE ${pack}.0` : `  WHEN jump < ${Math.sqrt(pack * next)} THEN ${pack}.0`;
  });
  return [
    [
      'prices',
      [
        'SELECT source_item, time, quantity, value / quantity AS price,',
        '  ROW_NUMBER() OVER (PARTITION BY source_item ORDER BY time DESC, quantity, value) AS newest',
        'FROM folded WHERE quantity > 0.0 AND value > 0.0 AND source_item IS NOT NULL AND time IS NOT NULL',
      ].join('\n'),
    ],
    [
      'today',
      [
        'SELECT source_item, MIN(price) AS price FROM (',
        '  SELECT source_item, price, CUME_DIST() OVER (PARTITION BY source_item ORDER BY price) AS share',
        `  FROM prices WHERE newest <= ${NEWEST}`,
        ') WHERE share >= 0.5 GROUP BY source_item',
      ].join('\n'),
    ],
    [
      'sides',
      [
        'SELECT p.source_item, p.time, p.quantity, p.price,',
        `  p.price > ${FAR} * today.price OR today.price > ${FAR} * p.price AS old`,
        'FROM prices AS p JOIN today ON today.source_item = p.source_item',
      ].join('\n'),
    ],
    [
      'medians',
      [
        'SELECT source_item, old, COUNT(*) AS n, MIN(time) AS first, MAX(time) AS last,',
        '  MIN(IF(price_share >= 0.5, price, NULL)) AS price, MIN(IF(quantity_share >= 0.5, quantity, NULL)) AS quantity',
        'FROM (',
        '  SELECT source_item, old, time, price, quantity,',
        '    CUME_DIST() OVER (PARTITION BY source_item, old ORDER BY price) AS price_share,',
        '    CUME_DIST() OVER (PARTITION BY source_item, old ORDER BY quantity) AS quantity_share',
        '  FROM sides',
        ') GROUP BY source_item, old',
      ].join('\n'),
    ],
    [
      'units',
      [
        'SELECT source_item, until, IF(larger, pack, 1.0 / pack) AS factor FROM (',
        '  SELECT source_item, until, larger, jump, quantity_jump, CASE',
        ...nearest.map((line) => `  ${line}`),
        '    END AS pack',
        '  FROM (',
        '    SELECT o.source_item, o.last AS until, o.price > t.price AS larger,',
        '      IF(o.price > t.price, o.price / t.price, t.price / o.price) AS jump,',
        '      IF(o.price > t.price, t.quantity / o.quantity, o.quantity / t.quantity) AS quantity_jump',
        '    FROM medians AS o JOIN medians AS t ON t.source_item = o.source_item',
        `    WHERE o.old AND NOT t.old AND o.last < t.first AND o.n >= ${LEAST_LINES} AND t.n >= ${LEAST_LINES}`,
        '  )',
        ')',
        `WHERE jump BETWEEN pack / ${PRICE_SLACK} AND pack * ${PRICE_SLACK}`,
        `  AND quantity_jump BETWEEN pack / ${QUANTITY_SLACK}.0 AND pack * ${QUANTITY_SLACK}.0`,
      ].join('\n'),
    ],
  ];
}

/**
 * The customer's key after all merges; `key` is an expression.
 * @throws TerminalError `dataset-invalid` where merges lead in a circle, or one customer to two others
 */
export function mergedCustomer(key: string, merges: Cleaning['mergeCustomers']): string {
  if (merges.length === 0) return key;
  const next = new Map<string, string>();
  for (const { from, to } of merges) {
    if (next.has(from))
      throw invalid(`The customer "${from}" is merged into two others.`, 'Name each merged customer once.');
    next.set(from, to);
  }
  const last = (from: string): string => {
    let at = from;
    for (let steps = 0; next.has(at); steps++) {
      if (steps > next.size)
        throw invalid(`The merges of the customer "${from}" lead in a circle.`, 'Take one of them away.');
      at = next.get(at)!;
    }
    return at;
  };
  const cases = [...next.keys()].map((from) => `WHEN ${quoteText(from)} THEN ${quoteText(last(from))}`);
  return `CASE ${key} ${cases.join(' ')} ELSE ${key} END`;
}

function invalid(message: string, remedy: string): TerminalError {
  return new TerminalError('dataset-invalid', message, { remedy });
}
