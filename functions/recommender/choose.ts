import type { SlotMetrics } from '#core/metrics';
import type { SlotName } from '#core/slot';
import { bootstrapDifference } from './bootstrap.ts';
import { settingKey, type Setting } from './trial-plan.ts';
import type { Winner } from './winner.ts';

/** What answers a slot, and why where that is not what was asked for. */
export interface Choice extends Setting {
  readonly fellBack: SlotMetrics['fellBack'];
}

/**
 * The winner, or the slot's baseline where the winner did worse on the validation window, or better by no more than
 * chance could explain (or there is none). Decided before the test window is looked at, so that the gate's figures stay
 * honest. `seed`: of the resampling.
 */
export function choose(
  slot: SlotName,
  winner: Winner | null,
  baseline: Setting & Partial<Winner>,
  seed: number,
): Choice {
  const setting = ({ algorithm, options }: Setting): Setting => ({ algorithm, options });
  if (winner === null || settingKey(setting(winner)) === settingKey(setting(baseline)))
    return { ...setting(baseline), fellBack: null };
  const { figure: theirs = 0, figures } = baseline;
  const ours = winner.figure;
  const fallBack = (what: string): Choice => ({
    ...setting(baseline),
    fellBack: {
      from: winner.algorithm,
      reason: `on the validation window it reached NDCG@10 ${ours.toFixed(4)}, ${what}; that baseline answers ${slot}.`,
    },
  });
  if (figures === undefined) return { ...setting(winner), fellBack: null };
  const lead = bootstrapDifference(winner.figures, figures, seed);
  if (lead.mean < 0) return fallBack(`less than ${baseline.algorithm} with ${theirs.toFixed(4)}`);
  if (lead.low > 0) return { ...setting(winner), fellBack: null };
  return fallBack(
    `which is not enough evidence against ${baseline.algorithm} with ${theirs.toFixed(4)}: of 95 % of resamplings of the customers the lead lies between ${lead.low.toFixed(4)} and ${lead.high.toFixed(4)}`,
  );
}
