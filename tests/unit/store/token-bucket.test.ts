import { array, assert, integer, nat, property, tuple } from 'fast-check';
import { callsIn, type Level, takeFrom, untilIn } from '#store/token-bucket';

const flow = { perMinute: 60, burst: 10 };

test('a bucket nobody took of is full; what is taken is missing, and flows back', () => {
  expect(callsIn(null, flow, 5_000)).toBe(10);
  const rest = takeFrom(null, flow, 7, 5_000);
  expect(rest).toEqual({ calls: 3, at: 5_000 });
  expect(callsIn(rest, flow, 7_500)).toBe(5.5);
  expect(callsIn(rest, flow, 60_000)).toBe(10);
  expect(takeFrom(rest, flow, 6, 7_500)).toBeNull();
  expect(untilIn(rest, flow, 6, 7_500)).toBe(500);
  expect(untilIn(rest, flow, 5, 7_500)).toBe(0);
});

test('more than a bucket holds is waited for no longer than until it is full', () => {
  expect(untilIn({ calls: 0, at: 0 }, flow, 1_000, 0)).toBe(10_000);
});

test('a clock a little behind gives nothing twice; one far ahead shuts nobody out', () => {
  const rest = takeFrom(null, flow, 10, 5_000);
  expect(callsIn(rest, flow, 4_000)).toBe(0);
  expect(takeFrom({ calls: 2, at: 5_000 }, flow, 1, 4_000)).toEqual({ calls: 1, at: 5_000 });
  const wrong = takeFrom(null, flow, 10, 3_600_000);
  expect(takeFrom(wrong, flow, 1, 5_000)).toEqual({ calls: 9, at: 5_000 });
});

test('a raised limit counts at once', () => {
  expect(untilIn({ calls: 0, at: 0 }, { perMinute: 6_000, burst: 500 }, 1, 0)).toBe(10);
});

test('whatever is asked and when, no minute lets more pass than flow in and what the bucket holds', () => {
  const asks = array(tuple(nat(20_000), integer({ min: 1, max: 10 })), { maxLength: 200 });
  assert(
    property(asks, integer({ min: 1, max: 600 }), (steps, perMinute) => {
      const passed: { readonly at: number; readonly calls: number }[] = [];
      let [now, level]: [number, Level | null] = [0, null];
      for (const [pause, calls] of steps) {
        now += pause;
        const rest = takeFrom(level, { perMinute, burst: 10 }, calls, now);
        if (rest === null) continue;
        level = rest;
        passed.push({ at: now, calls });
      }
      for (const { at } of passed) {
        const minute = passed.filter((one) => one.at >= at && one.at <= at + 60_000);
        const sum = minute.reduce((total, { calls }) => total + calls, 0);
        // Fractions that flow in are rounded by the machine.
        expect(sum).toBeLessThanOrEqual(perMinute + 10 + 1e-6);
      }
    }),
  );
});
