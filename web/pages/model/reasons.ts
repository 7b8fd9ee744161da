import { DropReason } from '#core/dataset';
import type { EtlCounts } from '#core/etl-run';

const DROPPED: Readonly<Record<DropReason, string>> = {
  'no-customer': 'without a customer',
  'no-item': 'without an item',
  'no-time': 'without a time',
  'no-quantity': 'whose quantity is no number',
  'after-as-of': 'after the moment the run looks from',
  'before-history': 'older than the history taken',
  return: 'returns and credit notes',
  unpriced: 'without a price',
  'excluded-item': 'of items you excluded',
  'service-code': 'of service codes such as freight',
  outlier: 'of unusual quantity',
  duplicate: 'that repeat another line',
};

/** The reasons that do not read well as they are called. */
const REJECTED: Readonly<Record<string, string>> = {
  'field-count': 'Too few or too many fields',
  'text-after-quote': 'Text after a closing quote',
  'unclosed-quote': 'A quote that is never closed',
  'invalid-utf8': 'Text in another encoding than UTF-8',
  'numeric-not-finite': 'NaN or infinity in a decimal column',
  'numeric-inexact': 'More decimal places than the column takes',
  'numeric-overflow': 'Numbers too large for the column',
  'value-too-big': 'Values too long',
};

/** Why something was left out, and how often. */
export interface Reason {
  readonly text: string;
  readonly count: number;
}

/** Lines that cleaning left out by reason, most first, as a person says it. */
export function droppedReasons(dropped: Readonly<Partial<Record<DropReason, number>>>): Reason[] {
  return mostFirst(
    DropReason.options.map((reason) => ({ text: `Lines ${DROPPED[reason]}`, count: dropped[reason] ?? 0 })),
  );
}

/** Rows that a load rejected by reason, most first: `too-many-fields` → `Too many fields`. */
export function rejectedReasons(rejected: EtlCounts['rejected']): Reason[] {
  return mostFirst(
    Object.entries(rejected).map(([reason, count]) => ({ text: REJECTED[reason] ?? spoken(reason), count })),
  );
}

function spoken(code: string): string {
  const type = /^not-([a-z0-9]+)$/.exec(code)?.[1];
  if (type !== undefined) return `Values that are no ${type.toUpperCase()}`;
  const words = code.replaceAll(/[-_]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function mostFirst(reasons: readonly Reason[]): Reason[] {
  return reasons.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count);
}
