import type { MetricsReport, RankingMetrics } from '../../../functions/core/metrics.ts';
import { judge } from '../../../functions/recommender/gate.ts';

const at = (ndcg10: number): RankingMetrics => ({ ndcg10, recall10: 0, recall20: 0, coverage: 0 });

function report(
  discover: [ours: number, popularity: number],
  reorder: [ours: number, frequency: number],
): MetricsReport {
  const slot = { customers: 500, options: {}, fellBack: null };
  return {
    slots: {
      discover: {
        ...slot,
        algorithm: 'ials',
        model: at(discover[0]),
        baselines: { popularity: at(discover[1]) },
      },
      reorder: {
        ...slot,
        algorithm: 'personal-frequency',
        model: at(reorder[0]),
        baselines: { 'personal-frequency': at(reorder[1]) },
      },
    },
    overall: { model: at(0), baselines: {}, customers: 500 },
    window: {
      trainFrom: '',
      validationFrom: '',
      testFrom: '',
      testUntil: '',
      newCustomers: 0,
      newItemPurchases: 0,
    },
    trials: 1,
    seconds: 1,
  };
}

describe('the quality gate', () => {
  it('lets through what beats popularity and equals personal frequency', () => {
    const verdict = judge(report([0.09, 0.03], [0.42, 0.42]), { tolerance: 0.05 });
    expect(verdict.passed).toBe(true);
    expect(verdict.reasons).toEqual([
      'discover: NDCG@10 0.0900 beats popularity 0.0300.',
      'reorder: NDCG@10 0.4200 equals personal-frequency 0.4200.',
    ]);
  });

  it('stops a discovery that only equals popularity', () => {
    const verdict = judge(report([0.03, 0.03], [0.42, 0.4]), { tolerance: 0.05 });
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons[0]).toBe('discover: NDCG@10 0.0300 does not beat popularity 0.0300.');
  });

  it('stops a re-ordering that loses to personal frequency', () => {
    expect(judge(report([0.09, 0.03], [0.41, 0.42]), { tolerance: 0.05 }).passed).toBe(false);
  });

  it('compares with the live version, within the tolerance', () => {
    const champion = report([0.1, 0.03], [0.42, 0.4]);
    const weaker = report([0.096, 0.03], [0.42, 0.4]);
    expect(judge(weaker, { champion, tolerance: 0.05 }).passed).toBe(true);
    const verdict = judge(weaker, { champion, tolerance: 0.01 });
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons[0]).toMatch(
      /0\.0960 against 0\.1000 of the live version, beyond the tolerance of 1\.0 %/,
    );
  });

  it('does not compare a slot that the live version was not measured on', () => {
    const champion = { ...report([0.5, 0.03], [0.42, 0.4]), slots: {} };
    expect(judge(report([0.09, 0.03], [0.42, 0.42]), { champion, tolerance: 0 }).passed).toBe(true);
  });

  it('lets nothing through that was not measured', () => {
    expect(judge({ ...report([1, 0], [1, 0]), slots: {} }, { tolerance: 0 })).toEqual({
      passed: false,
      reasons: ['No slot was measured.'],
      checks: [],
    });
  });
});
