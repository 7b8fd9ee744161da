import { leadersOf, planRungs, promote } from '../../../functions/recommender/halving.ts';

describe('rungs', () => {
  it('tries few settings in full at once', () => {
    expect(planRungs(4, 5000)).toEqual([{ customers: 5000, effort: 1, until: 1 }]);
  });

  it('grow in customers and effort, and end in full', () => {
    expect(planRungs(40, 8000)).toEqual([
      { customers: 800, effort: 0.25, until: 0.45 },
      { customers: 2800, effort: 0.5, until: 0.75 },
      { customers: 8000, effort: 1, until: 1 },
    ]);
    expect(planRungs(10, 8000).map(({ customers }) => customers)).toEqual([2000, 8000]);
  });

  it('measure no fewer customers than tell settings apart, and no more than there are or the cap says', () => {
    expect(planRungs(40, 500).map(({ customers }) => customers)).toEqual([300, 300, 500]);
    expect(planRungs(40, 90).map(({ customers }) => customers)).toEqual([90, 90, 90]);
    expect(planRungs(40, 1e6).at(-1)?.customers).toBe(10_000);
    expect(planRungs(40, 1e6, 3000).at(-1)?.customers).toBe(3000);
  });
});

describe('what goes on', () => {
  const at = (trial: number, algorithm: string, figures: Record<string, number>) => ({
    trial,
    algorithm,
    figures,
  });

  it('is the best third of each slot, and every algorithm’s best, best first', () => {
    const standings = [
      at(0, 'ease', { discover: 0.3 }),
      at(1, 'ease', { discover: 0.31 }),
      at(2, 'ease', { discover: 0.32 }),
      at(3, 'ials', { discover: 0.1 }),
      at(4, 'ials', { discover: 0.2 }),
      at(5, 'rhythm', { reorder: 0.4 }),
      at(6, 'ease', { discover: 0.29 }),
    ];
    expect(promote(standings)).toEqual([2, 5, 1, 4]);
  });

  it('is the earlier of equals', () => {
    expect(promote([at(0, 'a', { x: 1 }), at(1, 'a', { x: 1 }), at(2, 'a', { x: 1 })])).toEqual([0]);
  });

  it('is led by the best of each slot', () => {
    const standings = [
      at(0, 'a', { discover: 0.3, reorder: 0.1 }),
      at(1, 'b', { discover: 0.4 }),
      at(2, 'c', { reorder: 0.1 }),
    ];
    expect(leadersOf(standings)).toEqual(new Set([1, 0]));
    expect(leadersOf([])).toEqual(new Set());
  });
});
