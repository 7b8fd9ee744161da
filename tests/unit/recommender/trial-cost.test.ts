import { allowedSeconds, expectedSeconds } from '../../../functions/recommender/trial-cost.ts';
import { settingKey } from '../../../functions/recommender/trial-plan.ts';

const ials = (factors: number) => ({ algorithm: 'ials' as const, options: { factors } });
const graph = { algorithm: 'graph-filter' as const, options: { rank: 64 } };

describe('what a trial should take', () => {
  const seen = [
    { ...ials(64), key: settingKey(ials(64)), effort: 0.25, customers: 300, fit: 2, ask: 1 },
    { ...ials(128), key: settingKey(ials(128)), effort: 0.25, customers: 300, fit: 5, ask: 2 },
    { ...graph, key: settingKey(graph), effort: 0.25, customers: 300, fit: 6, ask: 1 },
  ];

  it('grows with effort where a fit has cheaper forms, and with the customers asked', () => {
    expect(expectedSeconds(seen, ials(64), { effort: 1, customers: 900 })).toBe(2 * 4 + 3);
    expect(expectedSeconds(seen, graph, { effort: 1, customers: 900 })).toBe(6 + 3);
  });

  it('is that of the last of its algorithm where the setting is new, and unknown where all is', () => {
    expect(expectedSeconds(seen, ials(256), { effort: 0.25, customers: 300 })).toBe(7);
    const ease = { algorithm: 'ease' as const, options: {} };
    expect(expectedSeconds(seen, ease, { effort: 1, customers: 300 })).toBeNull();
  });
});

describe('what a trial may take', () => {
  const time = { spent: 40, from: 0, cap: 100, until: 0.5 };

  it('is what is left of its rung, or of all the time where it leads, a fifth over it included', () => {
    expect(allowedSeconds(time, 5, false)).toBe(20);
    expect(allowedSeconds(time, 5, true)).toBe(80);
  });

  it('shares out what the baselines left', () => {
    expect(allowedSeconds({ ...time, from: 20 }, 5, false)).toBeCloseTo(1.2 * 60 - 40);
  });

  it('is a quarter of all that is left for an algorithm never seen, also when the rung’s time is over', () => {
    expect(allowedSeconds(time, null, false)).toBe(20);
    expect(allowedSeconds({ ...time, spent: 60 }, null, false)).toBe(15);
  });

  it('is nothing where it could not end, or the time is over', () => {
    expect(allowedSeconds(time, 21, false)).toBeNull();
    expect(allowedSeconds(time, 70, true)).toBe(80);
    expect(allowedSeconds(time, Infinity, true)).toBeNull();
    expect(allowedSeconds({ ...time, spent: 50 }, 1, false)).toBeNull();
    expect(allowedSeconds({ ...time, spent: 100 }, 1, true)).toBeNull();
  });
});
