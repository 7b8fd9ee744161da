/**
 * A year of schedules with everything that can go wrong on the way: Cloud Scheduler fires by the clock on the wall and no
 * better (not in the hour that is left out, twice in the one that comes twice), messages are lost, come twice, late and in
 * any order, and somebody forces runs. What is started must be what the calendar says, each time once.
 */
import { toMoment } from '#core/ids';
import type { Schedule } from '#core/schedule';
import { CRONS, minutesOf, ruledTimes, wallTimes } from '#tests/wall-clock';
import { openCalendar } from '../../../functions/schedules/calendar.ts';
import { nextDue, planClock, seenTo, tooLate } from '../../../functions/schedules/plan.ts';
import { GRACE_MINUTES } from '../../../functions/schedules/watch.ts';

const FROM = Date.UTC(2026, 0, 1);
const TO = Date.UTC(2027, 0, 1);
const MINUTE = 60_000;

/** Mulberry32: a seed gives the same year each time. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function scheduleOf(cron: string, timeZone: string): Schedule {
  const at = toMoment(FROM);
  const schedule: Schedule = {
    id: 'jyear',
    name: 'A year',
    what: { kind: 'etl' },
    when: { kind: 'cron', cron, timeZone },
    overlap: 'skip',
    catchUp: 'skip',
    retries: { times: 0, minutes: 10 },
    notBefore: null,
    paused: false,
    createdBy: 'u1',
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
    since: at,
    lastSlot: null,
    nextDue: null,
    lastFiredAt: null,
    lastRun: null,
    mayDeploy: true,
  };
  return { ...schedule, nextDue: nextDue(schedule, FROM - 1000) };
}

interface Delivery {
  readonly publishedAt: number;
  readonly deliveredAt: number;
}

/** Messages of a scheduler that knows the wall clock only, in the order they come. */
function deliveries(times: readonly number[], random: () => number): Delivery[] {
  const all: Delivery[] = [];
  const publish = (publishedAt: number) => {
    if (random() < 0.05) return; // lost
    for (let copies = random() < 0.2 ? 2 : 1; copies > 0; copies--) {
      const delay = random() < 0.1 ? random() * 45 * MINUTE : random() * 500;
      all.push({ publishedAt, deliveredAt: publishedAt + delay });
    }
  };
  for (const at of times) {
    const publishedAt = at + random() * 8_000 - 1_000; // clocks differ, and it takes its time
    publish(publishedAt);
    if (random() < 0.03) publish(publishedAt + random() * 4 * MINUTE); // the scheduler itself tries twice
  }
  for (let forced = 0; forced < 100; forced++) publish(FROM + random() * (TO - FROM));
  return all.sort((a, b) => a.deliveredAt - b.deliveredAt);
}

/** What was started, told by slot; every slot can be recorded once, as its document can. */
function liveThrough(first: Schedule, messages: readonly Delivery[], random: () => number) {
  const records = new Map<string, 'started' | 'left out'>();
  const started: string[] = [];
  let schedule = first;
  const see = (at: number, now: number) => {
    const due = planClock(schedule, at);
    if (due === null || records.has(toMoment(due.slot))) return;
    const starts = (due.reason ?? tooLate(due.slot, now)) === null;
    records.set(toMoment(due.slot), starts ? 'started' : 'left out');
    if (starts) started.push(toMoment(due.slot));
    schedule = seenTo(schedule, due);
  };
  /** The watch's ticks until `until`: it looks at what is overdue. */
  const watch = (until: number) => {
    for (;;) {
      const due = schedule.nextDue === null ? Infinity : Date.parse(schedule.nextDue);
      const tick = due + GRACE_MINUTES * MINUTE + random() * MINUTE;
      if (tick >= until) return;
      see(tick - GRACE_MINUTES * MINUTE, tick);
    }
  };
  for (const { publishedAt, deliveredAt } of messages) {
    watch(deliveredAt);
    see(publishedAt, deliveredAt);
  }
  watch(TO);
  return started;
}

const text = (at: number | null) => (at === null ? null : toMoment(at));

describe.each(['Europe/Berlin', 'America/New_York'])('365 days of %s', (timeZone) => {
  const minutes = minutesOf(timeZone, FROM, TO);

  test.each(CRONS)('%s comes as the rule says, forwards and backwards', (cron) => {
    const calendar = openCalendar({ kind: 'cron', cron, timeZone });
    const expected = ruledTimes(cron, minutes);
    expect(expected.length).toBeGreaterThan(0);

    const found = calendar.next(FROM - 1000, expected.length + 1).filter((at) => at < TO);
    expect(found.map(text)).toEqual(expected.map(text));

    // Asked at the time itself, just after it and just before it: the same list.
    const some = expected.filter((_, index) => index % Math.ceil(expected.length / 60) === 0);
    for (const at of some) {
      expect(text(calendar.latest(at))).toBe(text(at));
      expect(text(calendar.latest(at + 59_999))).toBe(text(at));
      const before = expected[expected.indexOf(at) - 1];
      if (before !== undefined) expect(text(calendar.latest(at - 1))).toBe(text(before));
    }
  });

  test.each(CRONS)('%s: nothing twice, nothing missed', (cron) => {
    const random = randomOf(CRONS.indexOf(cron) + timeZone.length);
    const messages = deliveries(wallTimes(cron, minutes), random);
    const started = liveThrough(scheduleOf(cron, timeZone), messages, random);
    // The last minutes of the year are seen to in the next one.
    const over = toMoment(TO - (GRACE_MINUTES + 2) * MINUTE);
    const expected = ruledTimes(cron, minutes).map((at) => toMoment(at));
    expect(new Set(started).size).toBe(started.length);
    expect(started.filter((at) => at < over)).toEqual(expected.filter((at) => at < over));
  });
});
