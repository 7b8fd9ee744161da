import type { RankingMetrics } from '../../../functions/core/metrics.ts';
import { choose } from '../../../functions/recommender/choose.ts';
import type { Winner } from '../../../functions/recommender/winner.ts';

const validation = (ndcg10: number): RankingMetrics => ({ ndcg10, recall10: 0, recall20: 0, coverage: 0 });
/** Forty customers around `ndcg10`, who differ by `spread`. */
const around = (ndcg10: number, spread = 0) =>
  Float32Array.from({ length: 40 }, (_, n) => ndcg10 + (n % 2 === 0 ? spread : -spread));
const winner = (ndcg10: number, spread = 0): Winner => ({
  algorithm: 'ease',
  options: { regularization: 300 },
  validation: validation(ndcg10),
  figure: ndcg10,
  figures: around(ndcg10, spread),
  rung: 0,
});
const baseline: Winner = {
  algorithm: 'popularity',
  options: { halfLifeDays: 30 },
  validation: validation(0.2),
  figure: 0.2,
  figures: around(0.2),
  rung: 0,
};

describe('what answers a slot', () => {
  it('is the winner where it led by more than chance explains', () => {
    expect(choose('discover', winner(0.21), baseline, 1)).toEqual({
      algorithm: 'ease',
      options: { regularization: 300 },
      fellBack: null,
    });
  });

  it('is the baseline at its best where the winner did worse, with the figures', () => {
    expect(choose('discover', winner(0.1), baseline, 1)).toEqual({
      algorithm: 'popularity',
      options: { halfLifeDays: 30 },
      fellBack: {
        from: 'ease',
        reason:
          'on the validation window it reached NDCG@10 0.1000, less than popularity with 0.2000; that baseline answers discover.',
      },
    });
  });

  it.each([
    [0.2, 0],
    [0.21, 0.1],
  ])('is the baseline where %d with a spread of %d is not enough evidence against 0.2', (ndcg10, spread) => {
    const { algorithm, fellBack } = choose('discover', winner(ndcg10, spread), baseline, 1);
    expect(algorithm).toBe('popularity');
    expect(fellBack?.reason).toMatch(
      /not enough evidence against popularity with 0.2000: .* lead lies between -?0\.\d{4} and 0\.\d{4}; that baseline answers/,
    );
  });

  it('is the baseline, without a word, where it is the winner itself', () => {
    expect(choose('discover', baseline, baseline, 1).fellBack).toBeNull();
  });

  it('is the baseline where nothing was chosen for the slot', () => {
    expect(choose('discover', null, { algorithm: 'popularity', options: {} }, 1)).toEqual({
      algorithm: 'popularity',
      options: {},
      fellBack: null,
    });
  });
});
