import type { TimedWhen } from '#core/schedule';
import { nextOccurrences, openCalendar } from '../../../functions/schedules/calendar.ts';

const FROM = Date.UTC(2026, 0, 1);

const text = (at: number | null) => (at === null ? null : new Date(at).toISOString());

test('the preview says what the change of the clocks does', () => {
  const at = (from: string) =>
    nextOccurrences({ kind: 'daily', at: '02:30', timeZone: 'Europe/Berlin' }, Date.parse(from), 2);
  expect(at('2026-03-28T12:00:00Z')).toEqual([
    { at: '2026-03-29T01:00:00.000Z', local: '2026-03-29T03:00+02:00', note: 'moved' },
    { at: '2026-03-30T00:30:00.000Z', local: '2026-03-30T02:30+02:00', note: null },
  ]);
  expect(at('2026-10-24T12:00:00Z')).toEqual([
    { at: '2026-10-25T00:30:00.000Z', local: '2026-10-25T02:30+02:00', note: 'hour-comes-twice' },
    { at: '2026-10-26T01:30:00.000Z', local: '2026-10-26T02:30+01:00', note: null },
  ]);
});

test('a day that never comes is refused; one that comes every four years is not', () => {
  expect(() => openCalendar({ kind: 'cron', cron: '0 0 31 2 *', timeZone: 'UTC' })).toThrow('never comes');
  expect(openCalendar({ kind: 'cron', cron: '0 0 29 2 *', timeZone: 'UTC' }).next(FROM, 1).map(text)).toEqual(
    ['2028-02-29T00:00:00.000Z'],
  );
});

/** The local times of `n` occurrences after `from`. */
const locals = (when: TimedWhen, from: string, n: number) =>
  nextOccurrences(when, Date.parse(from), n).map(({ local, note }) =>
    note === null ? local : `${local} ${note}`,
  );

test.each<[string, TimedWhen, string, string[]]>([
  [
    'New York, forward: half past two is moved behind the gap',
    { kind: 'daily', at: '02:30', timeZone: 'America/New_York' },
    '2026-03-07T12:00:00Z',
    ['2026-03-08T03:00-04:00 moved', '2026-03-09T02:30-04:00'],
  ],
  [
    'New York, back: half past one comes once, the first time',
    { kind: 'daily', at: '01:30', timeZone: 'America/New_York' },
    '2026-10-31T12:00:00Z',
    ['2026-11-01T01:30-04:00 hour-comes-twice', '2026-11-02T01:30-05:00'],
  ],
  [
    'Sydney, forward in October',
    { kind: 'weekly', at: '02:15', days: ['sun'], timeZone: 'Australia/Sydney' },
    '2026-10-01T00:00:00Z',
    ['2026-10-04T03:00+11:00 moved', '2026-10-11T02:15+11:00'],
  ],
  [
    'Lord Howe, back by half an hour',
    { kind: 'daily', at: '01:45', timeZone: 'Australia/Lord_Howe' },
    '2026-04-04T00:00:00Z',
    ['2026-04-05T01:45+11:00 hour-comes-twice', '2026-04-06T01:45+10:30'],
  ],
  [
    'Kolkata has no summer time, and half an hour of offset',
    { kind: 'hourly', minute: 30, every: 12, timeZone: 'Asia/Kolkata' },
    '2026-03-29T00:00:00Z',
    ['2026-03-29T12:30+05:30', '2026-03-30T00:30+05:30'],
  ],
  [
    'every hour in Berlin, forward: the hour that is left out has none',
    { kind: 'hourly', minute: 5, every: 1, timeZone: 'Europe/Berlin' },
    '2026-03-28T23:30:00Z',
    ['2026-03-29T01:05+01:00', '2026-03-29T03:05+02:00', '2026-03-29T04:05+02:00'],
  ],
  [
    'every hour in Berlin, back: the hour that comes twice has two',
    { kind: 'hourly', minute: 5, every: 1, timeZone: 'Europe/Berlin' },
    '2026-10-24T23:30:00Z',
    [
      '2026-10-25T02:05+02:00 hour-comes-twice',
      '2026-10-25T02:05+01:00 hour-comes-twice',
      '2026-10-25T03:05+01:00',
    ],
  ],
  [
    'every six hours in Santiago, forward at midnight',
    { kind: 'hourly', minute: 0, every: 6, timeZone: 'America/Santiago' },
    '2026-09-05T22:30:00Z',
    ['2026-09-06T06:00-03:00', '2026-09-06T12:00-03:00'],
  ],
  [
    'the 31st is for months that have it',
    { kind: 'monthly', at: '08:00', day: 31, timeZone: 'Europe/London' },
    '2026-01-31T12:00:00Z',
    ['2026-03-31T08:00+01:00', '2026-05-31T08:00+01:00'],
  ],
])('%s', (_, when, from, expected) => {
  expect(locals(when, from, expected.length)).toEqual(expected);
});
