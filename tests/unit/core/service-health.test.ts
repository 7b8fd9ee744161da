import { CanarySettings, nextShare, planSplit, sharesOf, TrafficSplit } from '#core/canary';
import {
  countAnswer,
  healthSince,
  type InstanceHealth,
  judgeHealth,
  LATENCY_EDGES_MS,
  latencyWithin,
  noAnswers,
  noHealth,
  sumHealth,
} from '#core/service-health';

const AT = '2026-06-01T00:00:00.000Z';
const LIMITS = CanarySettings.parse({});

function instance(answers: readonly (readonly [status: number, ms: number])[], state: 'up' | 'ended' = 'up') {
  const counts = noAnswers();
  for (const [status, ms] of answers) countAnswer(counts, status, ms);
  return { ...counts, instance: 'i1', revision: 'r', startedAt: AT, at: AT, state } satisfies InstanceHealth;
}
const many = (count: number, status: number, ms: number) =>
  Array.from({ length: count }, () => [status, ms] as const);

describe('what instances count', () => {
  test('is summed over all of them, and what came since a moment is the difference', () => {
    const before = sumHealth([instance(many(10, 200, 4))]);
    const now = sumHealth([
      instance([...many(10, 200, 4), ...many(5, 503, 9)], 'ended'),
      instance(many(7, 200, 1)),
    ]);
    expect(now).toMatchObject({ requests: 22, errors: 5, started: 2, ended: 1 });
    expect(healthSince(before, now)).toMatchObject({ requests: 12, errors: 5, started: 1, ended: 1 });
    // An account that has gone since is as if it had not been.
    expect(healthSince(now, before)).toEqual(noHealth());
  });

  test('latency is told by its bucket’s upper edge: never too low, at most half again too high', () => {
    for (const ms of [0.2, 1, 3.5, 41, 499, 29_999]) {
      const within = latencyWithin(instance([[200, ms]]), 0.95) ?? 0;
      expect(within).toBeGreaterThanOrEqual(ms);
      expect(within).toBeLessThanOrEqual(Math.max(1, ms * 1.67));
    }
    const counts = instance([...many(95, 200, 10), ...many(5, 200, 5000)]);
    expect(latencyWithin(counts, 0.95)).toBe(10);
    expect(latencyWithin(counts, 0.96)).toBe(5600);
    expect(latencyWithin(instance(many(1, 200, 60_000)), 0.5)).toBe(Number.POSITIVE_INFINITY);
    expect(latencyWithin(noAnswers(), 0.95)).toBeNull();
    expect([...LATENCY_EDGES_MS].sort((a, b) => a - b)).toEqual([...LATENCY_EDGES_MS]);
  });
});

describe('a revision is judged by figure and limit', () => {
  const judge = (answers: Parameters<typeof instance>[0], limits = LIMITS) =>
    judgeHealth(sumHealth([instance(answers)]), limits, 3);

  test('too many failures', () => {
    expect(judge([...many(98, 200, 5), ...many(2, 500, 5)])).toBeNull();
    expect(judge([...many(97, 200, 5), ...many(3, 500, 5)])).toMatchObject({
      code: 'canary-errors',
      message: '3 of 100 answers failed: 3 %, where 2 % is the limit.',
    });
    // Whoever asks wrongly is no failure of the service.
    expect(judge(many(100, 422, 5))).toBeNull();
  });

  test('too slow', () => {
    expect(judge([...many(95, 200, 5), ...many(5, 200, 9000)])).toBeNull();
    expect(judge([...many(94, 200, 5), ...many(6, 200, 900)])).toMatchObject({
      code: 'canary-slow',
      message: expect.stringMatching(/up to 1100 ms, where 500 ms is the limit \(100 answers\)/),
    });
  });

  test('too few requests decide nothing', () => {
    expect(judge(many(19, 500, 9000))).toBeNull();
    expect(judge(many(20, 500, 9000))).not.toBeNull();
    expect(judge(many(2, 500, 1), CanarySettings.parse({ minRequests: 2 }))).not.toBeNull();
  });

  test('more starts than instances at once are crashes; orderly ends are not', () => {
    const started = (count: number, state: 'up' | 'ended') =>
      judgeHealth(sumHealth(Array.from({ length: count }, () => instance([], state))), LIMITS, 3);
    expect(started(3, 'up')).toBeNull();
    expect(started(40, 'ended')).toBeNull();
    expect(started(4, 'up')).toMatchObject({
      code: 'revision-crashing',
      message: expect.stringMatching(/4 instances were started and only 0 ended in order, of at most 3/),
    });
  });
});

describe('shares', () => {
  test('go up by the steps, then to all', () => {
    expect([0, 10, 30, 50, 99].map((percent) => nextShare([10, 50], percent))).toEqual([
      10, 50, 50, 100, 100,
    ]);
    expect(nextShare([], 0)).toBe(100);
    expect(sharesOf('dlive', 'dnext', 10)).toEqual([
      { deployment: 'dlive', percent: 90 },
      { deployment: 'dnext', percent: 10 },
    ]);
  });

  test('settings whose steps do not rise, or reach all by themselves, are refused', () => {
    for (const steps of [[50, 10], [10, 10], [0], [100], [1, 2, 3, 4, 5, 6]])
      expect(CanarySettings.safeParse({ steps }).success).toBe(false);
    expect(CanarySettings.safeParse({ stepss: [1] }).success).toBe(false);
  });

  test('a split is 100 percent together, each deployment once, and only of those that answer', () => {
    const split = (...parts: [string, number][]) =>
      parts.map(([deployment, percent]) => ({ deployment, percent }));
    for (const wrong of [
      split(['dlive', 99]),
      split(['dlive', 60], ['dnext', 60]),
      split(['dlive', 50], ['dlive', 50]),
      split(['dlive', 120], ['dnext', -20]),
      split(['dlive', 99.5], ['dnext', 0.5]),
      [],
    ])
      expect(TrafficSplit.safeParse(wrong).success).toBe(false);
    expect(planSplit(split(['dnext', 30], ['dlive', 70]), 'dlive', 'dnext')).toEqual({
      canary: 'dnext',
      percent: 30,
    });
    expect(planSplit(split(['dlive', 100]), 'dlive', 'dnext').percent).toBe(0);
    expect(planSplit(split(['dlive', 100], ['dgone', 0]), 'dlive', null).percent).toBe(0);
    expect(() => planSplit(split(['dlive', 70], ['dgone', 30]), 'dlive', null)).toThrow(
      'The deployment dgone has no revision that answers; dlive can have a share.',
    );
  });
});
