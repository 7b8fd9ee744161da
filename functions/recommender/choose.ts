import type { SlotMetrics } from '#core/metrics';
import type { SlotName } from '#core/slot';
import type { Setting, Winner } from './search.ts';

/** What answers a slot, and why where that is not what was asked for. */
export interface Choice extends Setting {
  readonly fellBack: SlotMetrics['fellBack'];
}

/**
 * The winner, or the slot's baseline where the winner did worse on the validation window (or there is none). Decided
 * before the test window is looked at, so that the gate's figures stay honest.
 */
export function choose(slot: SlotName, winner: Winner | null, baseline: Setting & Partial<Winner>): Choice {
  const setting = ({ algorithm, options }: Setting): Setting => ({ algorithm, options });
  if (winner === null) return { ...setting(baseline), fellBack: null };
  const ours = winner.validation.ndcg10;
  const theirs = baseline.validation?.ndcg10 ?? 0;
  if (ours >= theirs) return { ...setting(winner), fellBack: null };
  const reason = `on the validation window it reached NDCG@10 ${ours.toFixed(4)}, less than ${baseline.algorithm} with ${theirs.toFixed(4)}; that baseline answers ${slot}.`;
  return { ...setting(baseline), fellBack: { from: winner.algorithm, reason } };
}
