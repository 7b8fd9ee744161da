import { type Row } from '#cloud/bigquery';
import type { Failure } from '#core/errors';
import type { Holdout } from '#core/training-config';
import { LEAST } from './vocabulary.ts';

/** What there is to learn from: the lines that cleaning keeps, and on how many different days they lie. */
export interface Evidence {
  readonly lines: number;
  readonly customers: number;
  readonly items: number;
  readonly days: number;
  /** Days from the first line to the last, both counted. */
  readonly span: number;
}

/** One row of counts over the lines' query. */
export function evidenceSql(lines: string): string {
  return [
    'SELECT',
    '  COUNT(*) AS n,',
    '  COUNT(DISTINCT customer) AS customers,',
    '  COUNT(DISTINCT item) AS items,',
    '  COUNT(DISTINCT DIV(UNIX_MICROS(time), 86400000000)) AS days,',
    '  MAX(DIV(UNIX_MICROS(time), 86400000000)) - MIN(DIV(UNIX_MICROS(time), 86400000000)) + 1 AS span',
    `FROM (\n${lines}\n)`,
    'WHERE drop_reason IS NULL',
  ].join('\n');
}

/** The counts of that row. */
export function toEvidence(row: Row): Evidence {
  const count = (name: string) => Number(row[name] ?? 0);
  return {
    lines: count('n'),
    customers: count('customers'),
    items: count('items'),
    days: count('days'),
    span: count('span'),
  };
}

/** Windows of the temporal split: to train on, to choose by, to measure on; none may be empty, each begins at midnight. */
const LEAST_DAYS = 3;

/** What there is too little of for a model to be trained and measured; null where there is enough, as far as counts say. */
export function judgeEvidence(evidence: Evidence, holdout: Holdout): Failure | null {
  const lacking = (message: string, remedy: string): Failure => ({
    code: 'not-enough-evidence',
    message,
    remedy,
  });
  const load = 'Load more orders, or check which columns mean what and what cleaning leaves out.';
  const counts = { customers: evidence.customers, items: evidence.items, interactions: evidence.lines };
  for (const [name, least] of Object.entries(LEAST)) {
    // The keys of LEAST are those of counts.
    const found = counts[name as keyof typeof counts];
    if (found < least)
      return lacking(
        `Not enough evidence: ${found} ${name} after cleaning; a model needs at least ${least}.`,
        load,
      );
  }
  if (evidence.days < LEAST_DAYS)
    return lacking(`Not enough evidence: all lines lie on ${evidence.days} days.`, load);
  if ('days' in holdout && evidence.span <= 2 * holdout.days)
    return lacking(
      `Not enough evidence: the lines span ${evidence.span} days, too few for a holdout of ${holdout.days} days twice over.`,
      'Load a longer history, or choose a smaller holdout in the training configuration.',
    );
  return null;
}
