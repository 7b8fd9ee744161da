import type { RankingMetrics } from '../../../functions/core/metrics.ts';
import { choose } from '../../../functions/recommender/choose.ts';
import type { Winner } from '../../../functions/recommender/search.ts';

const validation = (ndcg10: number): RankingMetrics => ({ ndcg10, recall10: 0, recall20: 0, coverage: 0 });
const winner = (ndcg10: number): Winner => ({
  algorithm: 'ease',
  options: { regularization: 300 },
  validation: validation(ndcg10),
});
const baseline: Winner = {
  algorithm: 'popularity',
  options: { halfLifeDays: 30 },
  validation: validation(0.2),
};

describe('what answers a slot', () => {
  it.each([0.21, 0.2])('is the winner where it reached %d against 0.2', (ndcg10) => {
    expect(choose('discover', winner(ndcg10), baseline)).toEqual({
      algorithm: 'ease',
      options: { regularization: 300 },
      fellBack: null,
    });
  });

  it('is the baseline at its best where the winner did worse, with the figures', () => {
    expect(choose('discover', winner(0.1), baseline)).toEqual({
      algorithm: 'popularity',
      options: { halfLifeDays: 30 },
      fellBack: {
        from: 'ease',
        reason:
          'on the validation window it reached NDCG@10 0.1000, less than popularity with 0.2000; that baseline answers discover.',
      },
    });
  });

  it('is the baseline where nothing was chosen for the slot', () => {
    expect(choose('discover', null, { algorithm: 'popularity', options: {} })).toEqual({
      algorithm: 'popularity',
      options: {},
      fellBack: null,
    });
  });
});
