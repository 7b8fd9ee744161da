import { DropReason } from '#core/dataset';
import type { EtlCounts } from '#core/etl-run';

const DROPPED: Readonly<Record<DropReason, string>> = {
  'no-customer': 'without a customer',
  'no-item': 'without an item',
  'no-time': 'without a time',
  'after-as-of': 'after the moment the run looks from',
  'before-history': 'older than the history taken',
  return: 'returns and credit notes',
  unpriced: 'without a price',
  'excluded-item': 'of items you excluded',
  'service-code': 'of service codes such as freight',
  outlier: 'of unusual quantity',
  duplicate: 'that repeat another line',
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
    Object.entries(rejected).map(([reason, count]) => {
      const words = reason.replaceAll(/[-_]+/g, ' ').trim();
      return { text: words.charAt(0).toUpperCase() + words.slice(1), count };
    }),
  );
}

function mostFirst(reasons: readonly Reason[]): Reason[] {
  return reasons.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count);
}
