import {
  allowedSeconds,
  expectedSeconds,
  guessedSeconds,
  workOf,
} from '../../../functions/recommender/trial-cost.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import { settingKey, type Setting } from '../../../functions/recommender/trial-plan.ts';

const size = { customers: 1000, items: 500, pairs: 20_000 };
const ials = (factors: number): Setting => ({
  algorithm: 'ials',
  options: registry.ials.options.parse({ factors, epochs: 16 }),
});
const graph: Setting = {
  algorithm: 'graph-filter',
  options: registry['graph-filter'].options.parse({ rank: 64 }),
};
const cost = (setting: Setting, work: number | null, fit: number, ask: number) => ({
  algorithm: setting.algorithm,
  key: settingKey(setting),
  work,
  customers: 300,
  fit,
  ready: 0,
  ask,
});

describe('what a trial should take', () => {
  const seen = [
    cost(ials(64), workOf(ials(64), 0.25, size), 2, 1),
    cost(graph, workOf(graph, 1, size), 6, 1),
    cost(ials(128), workOf(ials(128), 0.25, size), 5, 2),
    cost(graph, null, 0.5, 1),
  ];
  const expected = (setting: Setting, wanted: Parameters<typeof expectedSeconds>[2]) =>
    expectedSeconds(seen, setting, wanted, size);

  it('grows with the work of the fit and with the customers asked', () => {
    expect(expected(ials(64), { effort: 1, customers: 900 })).toBeCloseTo(2 * 4 + 3);
    const ratio = workOf(ials(256), 0.25, size) / workOf(ials(128), 0.25, size);
    expect(ratio).toBeGreaterThan(2);
    expect(expected(ials(256), { effort: 0.25, customers: 300 })).toBeCloseTo(5 * ratio + 2);
  });

  it('counts what makes a model ready once, however many are asked', () => {
    const loaded = [{ ...cost(graph, workOf(graph, 1, size), 6, 1), ready: 10 }];
    expect(expectedSeconds(loaded, graph, { effort: 1, customers: 600 }, size)).toBe(6 + 10 + 2);
    expect(expectedSeconds(loaded, graph, { effort: 1, customers: 0 }, size)).toBe(6);
  });

  it('is less where a cheaper form of the setting is gone on from', () => {
    const ahead = workOf(ials(64), 0.25, size);
    expect(expected(ials(64), { effort: 0.5, customers: 300, ahead })).toBeCloseTo(2 + 1);
  });

  it('is that of a fit of its own where nothing can be built on, else of the last one', () => {
    expect(expected(graph, { effort: 1, customers: 300 })).toBe(1.5);
    expect(expected(graph, { effort: 1, customers: 300, fresh: true })).toBe(7);
  });

  it('is unknown where the algorithm is, and then guessed at the pace of the others', () => {
    const ease: Setting = { algorithm: 'ease', options: registry.ease.options.parse({}) };
    expect(expected(ease, { effort: 1, customers: 300 })).toBeNull();
    expect(guessedSeconds([], ease, 1, size)).toBe(workOf(ease, 1, size));
    const slow = [cost(ials(64), 2, 20, 1)];
    expect(guessedSeconds(slow, ease, 1, size)).toBeCloseTo(10 * workOf(ease, 1, size));
  });
});

describe('what a trial may take', () => {
  const time = { spent: 40, from: 0, cap: 100, until: 0.5 };
  const seen = (seconds: number) => ({ seconds, seen: true });
  const unseen = (seconds: number) => ({ seconds, seen: false });

  it('is what is left of its rung, or of all the time where it leads, a fifth over it included', () => {
    expect(allowedSeconds(time, seen(5), false)).toBe(20);
    expect(allowedSeconds(time, seen(5), true)).toBe(80);
  });

  it('never is more than is left of a hard cap', () => {
    expect(allowedSeconds({ ...time, hard: true }, seen(5), true)).toBe(60);
    expect(allowedSeconds({ ...time, hard: true }, seen(61), true)).toBeNull();
  });

  it('shares out what the baselines left', () => {
    expect(allowedSeconds({ ...time, from: 20 }, seen(5), false)).toBeCloseTo(1.2 * 60 - 40);
  });

  it('is a part of all that is left for an algorithm never seen, also when the rung’s time is over', () => {
    expect(allowedSeconds(time, unseen(5), false)).toBe(24);
    expect(allowedSeconds({ ...time, spent: 60 }, unseen(5), false)).toBe(18);
    expect(allowedSeconds(time, unseen(25), false)).toBeNull();
  });

  it('is nothing where it could not end, or the time is over', () => {
    expect(allowedSeconds(time, seen(21), false)).toBeNull();
    expect(allowedSeconds(time, seen(70), true)).toBe(80);
    expect(allowedSeconds(time, seen(Infinity), true)).toBeNull();
    expect(allowedSeconds({ ...time, spent: 50 }, seen(1), false)).toBeNull();
    expect(allowedSeconds({ ...time, spent: 100 }, seen(1), true)).toBeNull();
  });
});
