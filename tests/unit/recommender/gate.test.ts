import type { ChampionMetrics, MetricsReport, RankingMetrics } from '../../../functions/core/metrics.ts';
import { judge } from '../../../functions/recommender/gate.ts';

const at = (ndcg10: number): RankingMetrics => ({ ndcg10, recall10: 0, recall20: 0, coverage: 0 });

function report(
  discover: [ours: number, popularity: number],
  reorder: [ours: number, frequency: number],
): MetricsReport {
  const slot = { customers: 500, options: {}, baselineOptions: {}, champion: null, fellBack: null };
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
    overall: { model: at(0), baselines: {}, customers: 500, discoverShare: 0 },
    window: {
      trainFrom: '',
      validationFrom: '',
      testFrom: '',
      testUntil: '',
      newCustomers: 0,
      newItemPurchases: 0,
    },
    trials: 1,
    trialsCut: 0,
    seconds: 1,
  };
}

describe('the quality gate', () => {
  it('lets through what beats popularity, and says plainly where the baseline itself answers', () => {
    const verdict = judge(report([0.09, 0.03], [0.42, 0.42]), { tolerance: 0.05 });
    expect(verdict.passed).toBe(true);
    expect(verdict.reasons).toEqual([
      'discover: NDCG@10 0.0900 beats popularity 0.0300.',
      'reorder: answered by the baseline personal-frequency itself, NDCG@10 0.4200; no other setting did better on the validation window.',
    ]);
    const other = report([0.09, 0.03], [0.42, 0.42]);
    other.slots.reorder!.algorithm = 'purchase-rhythm';
    expect(judge(other, { tolerance: 0.05 }).reasons).toContain(
      'reorder: NDCG@10 0.4200 equals personal-frequency 0.4200.',
    );
  });

  it('stops a discovery that popularity answers itself', () => {
    const measured = report([0.03, 0.03], [0.42, 0.4]);
    measured.slots.discover!.algorithm = 'popularity';
    const verdict = judge(measured, { tolerance: 0.05 });
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons[0]).toBe(
      'discover: answered by the baseline popularity itself, NDCG@10 0.0300; no other setting did better on the validation window. That needs no model: load a longer history or allow more trials.',
    );
  });

  it('says why the baseline answers where something else was chosen first', () => {
    const measured = report([0.09, 0.03], [0.42, 0.42]);
    measured.slots.reorder!.fellBack = { from: 'purchase-rhythm', reason: 'that was not enough evidence.' };
    expect(judge(measured, { tolerance: 0.05 }).reasons).toContain(
      'reorder: answered by the baseline personal-frequency itself, NDCG@10 0.4200; purchase-rhythm was chosen first, but that was not enough evidence.',
    );
  });

  it('stops a discovery that only equals popularity', () => {
    const verdict = judge(report([0.03, 0.03], [0.42, 0.4]), { tolerance: 0.05 });
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons[0]).toBe('discover: NDCG@10 0.0300 does not beat popularity 0.0300.');
  });

  it('says so where a discovery’s lead on the test window may be chance', () => {
    const measured = report([0.035, 0.03], [0.42, 0.4]);
    measured.slots.discover!.lead = { against: 'popularity', mean: 0.005, low: -0.001, high: 0.011 };
    const verdict = judge(measured, { tolerance: 0.05 });
    expect(verdict.passed).toBe(true);
    expect(verdict.reasons).toContain(
      'discover: NDCG@10 0.0350 beats popularity 0.0300, though the 500 customers of the test window alone are not enough evidence: the lead lies between -0.0010 and 0.0110. It was chosen with enough on the validation window; a longer history, or a wider holdout, measures more customers.',
    );
    measured.slots.discover!.lead.low = 0.001;
    expect(judge(measured, { tolerance: 0.05 }).reasons).toContain(
      'discover: NDCG@10 0.0350 beats popularity 0.0300.',
    );
  });

  it.each([
    [0.4185, true, 'reorder: NDCG@10 0.4185 is within 0.5 % of personal-frequency 0.4200.'],
    [0.4175, false, 'reorder: NDCG@10 0.4175 loses to personal-frequency 0.4200.'],
  ])('a re-ordering of %d against 0.42 of personal frequency: %s', (ours, passed, text) => {
    const verdict = judge(report([0.09, 0.03], [ours, 0.42]), { tolerance: 0.05 });
    expect(verdict.passed).toBe(passed);
    expect(verdict.reasons).toContain(text);
  });

  /** A report whose discovery measured 0.096, beside a live version. */
  const beside = (live: Partial<ChampionMetrics>): MetricsReport => {
    const measured = report([0.096, 0.03], [0.42, 0.4]);
    const champion = { algorithm: 'ease' as const, options: {}, reason: null, reported: 0.1, model: null };
    measured.slots.discover!.champion = { ...champion, ...live };
    return measured;
  };

  it('compares with the live version on the same window, within the tolerance', () => {
    const weaker = beside({ model: at(0.1) });
    expect(judge(weaker, { tolerance: 0.05 }).passed).toBe(true);
    const verdict = judge(weaker, { tolerance: 0.01 });
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons[0]).toBe(
      'discover: NDCG@10 0.0960 against 0.1000 of the live version’s ease on the same purchases, beyond the tolerance of 1.0 %; it reported 0.1000 on its own.',
    );
  });

  it('does not hold against it what the live version reached in another season', () => {
    expect(judge(beside({ reported: 0.9, model: at(0.09) }), { tolerance: 0 }).passed).toBe(true);
    expect(judge(beside({ reported: 0.01, model: at(0.2) }), { tolerance: 0 }).passed).toBe(false);
  });

  it('says so where the live version could not be measured', () => {
    const verdict = judge(beside({ reason: 'EASE was asked to learn 9000 items' }), { tolerance: 0 });
    expect(verdict.passed).toBe(true);
    expect(verdict.reasons).toContain(
      'discover: not compared with the live version (ease): EASE was asked to learn 9000 items.',
    );
  });

  it('lets nothing through that was not measured', () => {
    expect(judge({ ...report([1, 0], [1, 0]), slots: {} }, { tolerance: 0 })).toEqual({
      passed: false,
      reasons: ['No slot was measured.'],
      checks: [],
    });
  });
});
