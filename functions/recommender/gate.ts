import type { GateVerdict, MetricsReport } from '#core/metrics';
import { slotBaseline, type SlotName } from '#core/slot';

/**
 * The quality gate: may this version take traffic? On NDCG@10 of the test window, per measured slot,
 * - discovery must beat its baseline (a tie is a refusal: then popularity is the honest answer);
 * - re-ordering must not lose to its baseline;
 * - neither may lose to the live version by more than `tolerance`, a share of the live figure.
 */
export function judge(
  report: MetricsReport,
  options: { champion?: MetricsReport | null; tolerance: number },
): GateVerdict {
  const checks = (['discover', 'reorder'] as const).flatMap((slot) => [
    ...againstBaseline(report, slot),
    ...againstChampion(report, slot, options.champion ?? null, options.tolerance),
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
  const passed = slot === 'discover' ? ours > theirs : ours >= theirs;
  const text = `${slot}: NDCG@10 ${figure(ours)} ${passed ? (ours > theirs ? 'beats' : 'equals') : 'does not beat'} ${against} ${figure(theirs)}.`;
  return [{ slot, against, passed, ours, theirs, text }];
}

function againstChampion(
  report: MetricsReport,
  slot: SlotName,
  champion: MetricsReport | null,
  tolerance: number,
): Check[] {
  const ours = report.slots[slot]?.model.ndcg10;
  const theirs = champion?.slots[slot]?.model.ndcg10;
  if (ours === undefined || theirs === undefined) return [];
  const passed = ours >= theirs * (1 - tolerance);
  const text = `${slot}: NDCG@10 ${figure(ours)} against ${figure(theirs)} of the live version, ${passed ? 'within' : 'beyond'} the tolerance of ${(tolerance * 100).toFixed(1)} %.`;
  return [{ slot, against: 'champion', passed, ours, theirs, text }];
}
