import { cronProblem, TimeZone } from '#core/cron';
import { cronOf, ScheduleDefinition, TimedWhen } from '#core/schedule';

const berlin = 'Europe/Berlin';

test.each([
  [{ kind: 'daily', at: '06:05', timeZone: berlin }, '5 6 * * *'],
  [{ kind: 'weekly', at: '23:45', days: ['mon', 'sat'], timeZone: berlin }, '45 23 * * mon,sat'],
  [{ kind: 'monthly', at: '00:00', day: 31, timeZone: 'UTC' }, '0 0 31 * *'],
  [{ kind: 'cron', cron: ' */15  6-20 * *   MON-FRI ', timeZone: 'UTC' }, '*/15 6-20 * * MON-FRI'],
])('%j is the cron %s', (when, cron) => {
  expect(cronOf(TimedWhen.parse(when))).toBe(cron);
});

// What Cloud Scheduler refuses, each with the part that the refusal names.
test.each([
  ['* * * * * *', '6 parts'],
  ['* * * *', '4 parts'],
  ['@daily', '1 parts'],
  ['60 * * * *', 'minute "60"'],
  ['*/0 * * * *', 'minute "*/0"'],
  ['5/10 * * * *', 'minute "5/10"'],
  ['1,,2 * * * *', 'minute "1,,2"'],
  ['-5 * * * *', 'minute "-5"'],
  ['0 24 * * *', 'hour "24"'],
  ['0 22-2 * * *', 'hour "22-2"'],
  ['0 0 L * *', 'day of the month "L"'],
  ['0 0 15W * *', 'day of the month "15W"'],
  ['0 0 ? * *', 'day of the month "?"'],
  ['0 0 0 * *', 'day of the month "0"'],
  ['0 0 * 13 *', 'month "13"'],
  ['0 0 * MON *', 'month "MON"'],
  ['0 0 * * 8', 'day of the week "8"'],
  ['0 0 * * 5#2', 'day of the week "5#2"'],
  ['0 0 * * FRI-MON', 'day of the week "FRI-MON"'],
])('%s is refused, naming %s', (cron, part) => {
  expect(cronProblem(cron)).toContain(part);
});

test.each(['* * * * *', '*/15 0-23/2 1,15 JAN-mar,12 7', '0 0 29 2 *', '59 23 31 12 0', '0 9 * * mon'])(
  '%s is taken',
  (cron) => expect(cronProblem(cron)).toBeNull(),
);

test('a time zone is one of the tz database: an offset knows no summer time', () => {
  const taken = ['UTC', berlin, 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'America/Port-au-Prince'];
  const refused = ['+01:00', 'EST', 'Mars/Base', '', 'europe/berlin', 'Europe/Berlin\n', '../etc/passwd'];
  expect([...taken, ...refused].filter((zone) => TimeZone.safeParse(zone).success)).toEqual(taken);
});

test('a load starts neither after a load nor on new data, for it would never end', () => {
  const pipeline = { kind: 'pipeline', config: 'c1234', dataset: 'd1234' };
  const refusals = [
    { kind: 'after-etl' },
    { kind: 'new-data', minRows: 10 },
    { kind: 'daily', at: '06:00', timeZone: 'UTC' },
  ].map((when) =>
    [{ kind: 'etl' }, pipeline].map(
      (what) => ScheduleDefinition.safeParse({ name: 'Nightly', what, when }).success,
    ),
  );
  expect(refusals).toEqual([
    [false, true],
    [false, true],
    [true, true],
  ]);
});
