import type { GateVerdict, MetricsReport } from '#core/metrics';
import { slotBaseline, type SlotName } from '#core/slot';

/** How much worse than its baseline re-ordering may measure, as a share: less than chance moves the figure of a thousand customers. */
const REORDER_TOLERANCE = 0.005;

/**
 * The quality gate: may this version take traffic? On NDCG@10 of the test window, per measured slot,
 * - discovery must beat its baseline (a tie is a refusal: then popularity is the honest answer);
 * - re-ordering must not lose to its baseline by more than REORDER_TOLERANCE;
 * - neither may lose to the live version's setting, measured on the same window, by more than `tolerance`, a share.
 */
export function judge(report: MetricsReport, { tolerance }: { tolerance: number }): GateVerdict {
  const checks = (['discover', 'reorder'] as const).flatMap((slot) => [
    ...againstBaseline(report, slot),
    ...againstChampion(report, slot, tolerance),
  ]);
  const ordered = checks.toSorted((a, b) => Number(a.passed) - Number(b.passed));
  return {
    passed: checks.length > 0 && checks.every((check) => check.passed),
    reasons: checks.length > 0 ? ordered.map((check) => check.text) : ['No slot was measured.'],
    checks: ordered,
  };
}

type Check = GateVerdict['checks'][number];
const figure = (value: number) => value.toFixed(4);
const percent = (value: number) => `${(value * 100).toFixed(1)} %`;

function againstBaseline(report: MetricsReport, slot: SlotName): Check[] {
  const measured = report.slots[slot];
  if (!measured) return [];
  const against = slotBaseline[slot];
  const ours = measured.model.ndcg10;
  const theirs = measured.baselines[against]?.ndcg10 ?? 0;
  if (measured.customers === 0)
    return [
      {
        slot,
        against,
        passed: slot === 'reorder',
        ours,
        theirs,
        text: `${slot}: no customer could be measured; the newest orders hold no such purchase. Load a longer history or widen the holdout.`,
      },
    ];
  const { lead } = measured;
  const passed = slot === 'discover' ? ours > theirs : ours >= theirs * (1 - REORDER_TOLERANCE);
  // Evidence was asked for where the setting was chosen. Asked for once more on another window, it would keep small companies,
  // whose windows hold few customers, from what is most likely better; people are told how sure this window makes it.
  const uncertain = slot === 'discover' && passed && lead !== undefined && lead.low <= 0;
  // The baseline compared with itself says nothing: what is to be known is that nothing else was better.
  if (measured.algorithm === against && ours === theirs) {
    const consequence = passed ? '' : ' That needs no model: load a longer history or allow more trials.';
    const { fellBack } = measured;
    const why = fellBack
      ? `${fellBack.from} was chosen first, but ${fellBack.reason}`
      : 'no other setting did better on the validation window.';
    const text = `${slot}: answered by the baseline ${against} itself, NDCG@10 ${figure(ours)}; ${why}${consequence}`;
    return [{ slot, against, passed, ours, theirs, text }];
  }
  if (uncertain) {
    const text = `${slot}: NDCG@10 ${figure(ours)} beats ${against} ${figure(theirs)}, though the ${measured.customers} customers of the test window alone are not enough evidence: the lead lies between ${figure(lead.low)} and ${figure(lead.high)}. It was chosen with enough on the validation window; a longer history, or a wider holdout, measures more customers.`;
    return [{ slot, against, passed, ours, theirs, text }];
  }
  const text = `${slot}: NDCG@10 ${figure(ours)} ${passed ? compared(ours, theirs) : slot === 'discover' ? 'does not beat' : 'loses to'} ${against} ${figure(theirs)}.`;
  return [{ slot, against, passed, ours, theirs, text }];
}

function compared(ours: number, theirs: number): string {
  if (ours < theirs) return `is within ${percent(REORDER_TOLERANCE)} of`;
  return ours > theirs ? 'beats' : 'equals';
}

function againstChampion(report: MetricsReport, slot: SlotName, tolerance: number): Check[] {
  const measured = report.slots[slot];
  const champion = measured?.champion ?? null;
  if (measured === undefined || champion === null) return [];
  const { algorithm, model, reason, reported } = champion;
  const ours = measured.model.ndcg10;
  const theirs = model?.ndcg10 ?? reported;
  if (model === null) {
    const text = `${slot}: not compared with the live version (${algorithm}): ${reason ?? 'it could not be measured'}.`;
    return [{ slot, against: 'champion', passed: true, ours, theirs, text }];
  }
  const passed = ours >= theirs * (1 - tolerance);
  const text = `${slot}: NDCG@10 ${figure(ours)} against ${figure(theirs)} of the live version’s ${algorithm} on the same purchases, ${passed ? 'within' : 'beyond'} the tolerance of ${percent(tolerance)}; it reported ${figure(reported)} on its own.`;
  return [{ slot, against: 'champion', passed, ours, theirs, text }];
}
