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
