import type { Schedule } from '#core/schedule';
import { missedSlot, nextDue, planClock, seenTo } from '../../../functions/schedules/plan.ts';

const HOUR = Date.UTC(2026, 5, 1, 12);
const schedule: Schedule = {
  id: 'jone',
  name: 'Hourly',
  what: { kind: 'etl' },
  when: { kind: 'cron', cron: '0 * * * *', timeZone: 'UTC' },
  overlap: 'skip',
  catchUp: 'skip',
  retries: { times: 0, minutes: 10 },
  notBefore: null,
  paused: false,
  createdBy: 'u1',
  createdAt: '2026-06-01T11:30:00.000Z',
  updatedAt: '2026-06-01T11:30:00.000Z',
  deletedAt: null,
  since: '2026-06-01T11:30:00.000Z',
  lastSlot: null,
  nextDue: null,
  lastFiredAt: null,
  lastRun: null,
  mayDeploy: true,
};

test.each([
  ['schedule-paused', { paused: true }],
  ['schedule-deleted', { deletedAt: '2026-06-01T11:40:00.000Z' }],
] as const)(
  'a message for a schedule that sleeps is told of (%s) and does not have it woken again',
  (code, asleep) => {
    const sleeping = { ...schedule, ...asleep };
    const due = planClock(sleeping, HOUR);
    expect(due?.reason).toMatchObject({ code });
    expect(seenTo(sleeping, due!)).toMatchObject({ lastSlot: '2026-06-01T12:00:00.000Z', nextDue: null });
    expect(seenTo(schedule, planClock(schedule, HOUR)!)).toMatchObject({
      nextDue: '2026-06-01T13:00:00.000Z',
    });
  },
);

test('the next time is one that the schedule fires at, also where it begins within a second', () => {
  const late = { ...schedule, notBefore: '2026-06-01T12:00:00.500Z' };
  expect(planClock(late, HOUR)).toBeNull();
  expect(nextDue(late, HOUR - 60_000)).toBe('2026-06-01T13:00:00.000Z');
  const sharp = { ...schedule, notBefore: '2026-06-01T12:00:00.000Z' };
  expect(nextDue(sharp, HOUR - 60_000)).toBe('2026-06-01T12:00:00.000Z');
  expect(planClock(sharp, HOUR)).not.toBeNull();
});

test('with catch-up "once" what comes up while it is paused waits for the resumption, the newest time of it', () => {
  const once = { ...schedule, catchUp: 'once' as const };
  expect(planClock({ ...once, paused: true }, HOUR)).toBeNull();
  const later = HOUR + 5 * 3_600_000 + 60_000;
  expect(missedSlot(once, later)).toBe('2026-06-01T17:00:00.000Z');
  expect(planClock(once, later)).toMatchObject({ slot: HOUR + 5 * 3_600_000, missed: 5, reason: null });
  // Seen to before, or not its own.
  expect(missedSlot({ ...once, lastSlot: '2026-06-01T17:00:00.000Z' }, later)).toBeNull();
  expect(missedSlot({ ...once, since: '2026-06-01T17:30:00.000Z' }, later)).toBeNull();
});
