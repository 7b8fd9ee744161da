import { ChangeReason, DropReason } from '#core/dataset';
import type { EtlCounts } from '#core/etl-run';

const DROPPED: Readonly<Record<DropReason, string>> = {
  'no-customer': 'Without a customer',
  'no-item': 'Without an item',
  'no-time': 'Without a time',
  'no-quantity': 'Quantities that are no number',
  'after-as-of': 'After the moment the run looks from',
  'before-history': 'Older than the history taken',
  'return-settled': 'Returns settled with what was bought',
  returned: 'Sent back as a whole',
  return: 'Returns and credit notes',
  unpriced: 'Free of charge',
  'excluded-item': 'Items you left out',
  'service-code': 'Service codes such as freight',
  'service-name': 'Freight, deposits and fees by their name',
  project: 'One-off projects',
  outlier: 'Unusual quantities',
  duplicate: 'Repeats of another line',
};

const CHANGED: Readonly<Record<ChangeReason, string>> = {
  'merged-customer': 'Of customers that were merged',
  'returned-part': 'Less what was sent back',
  'other-unit': 'Counted in the unit of today',
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
    DropReason.options.map((reason) => ({ text: DROPPED[reason], count: dropped[reason] ?? 0 })),
  );
}

/** Lines that cleaning put right by reason, most first. */
export function changedReasons(changed: Readonly<Partial<Record<ChangeReason, number>>>): Reason[] {
  return mostFirst(
    ChangeReason.options.map((reason) => ({ text: CHANGED[reason], count: changed[reason] ?? 0 })),
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
