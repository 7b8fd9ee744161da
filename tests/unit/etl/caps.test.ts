import { EtlCaps } from '#core/etl-run';
import { capReachedBy, openMeter, timeCapReached } from '../../../functions/etl/caps.ts';
import { RunStopped, stopOf } from '../../../functions/etl/stop-watch.ts';
import { overdue } from '../../../functions/etl/watch.ts';

const caps = EtlCaps.parse({ maxMinutes: 10, maxRows: 1000, maxBytes: 5000 });
const startedAt = '2026-01-01T00:00:00.000Z';
const after = (minutes: number) => Date.parse(startedAt) + minutes * 60_000;
const run = { status: 'extracting' as const, cancelRequestedAt: null, startedAt, caps };

test('a cap is reached by one more than it allows, and says which it was', () => {
  expect(capReachedBy({ rows: 1000, bytes: 5000 }, caps)).toBeNull();
  expect(capReachedBy({ rows: 1001, bytes: 0 }, caps)).toEqual({
    code: 'cap-reached',
    message: 'The run was stopped at its cap of 1,000 rows (maxRows): 1,001 were read.',
    remedy: 'Start it with a higher cap, or load fewer tables at a time.',
  });
  expect(capReachedBy({ rows: 0, bytes: 5001 }, caps)?.message).toContain('5,000 bytes (maxBytes)');
  expect(capReachedBy({ rows: 1e12, bytes: 1e15 }, EtlCaps.parse({}))).toBeNull();
});

test('a meter adds what is done to what is being read; what is read again is taken off', () => {
  const meter = openMeter(caps);
  meter.add({ rows: 900, bytes: 10 });
  expect(meter.over({ rows: 100, bytes: 0 })).toBeNull();
  expect(meter.over({ rows: 101, bytes: 0 })?.code).toBe('cap-reached');
  meter.add({ rows: -900, bytes: -10 });
  expect(meter.over({ rows: 1000, bytes: 0 })).toBeNull();
});

test('time counts from when the run began to work; the watch steps in only when the runner has not', () => {
  expect(timeCapReached({ startedAt: null, caps }, after(99))).toBeNull();
  expect(timeCapReached(run, after(10))).toBeNull();
  expect(timeCapReached(run, after(11))?.message).toContain(
    '10 minutes (maxMinutes): it had been at work for 11',
  );
  expect(stopOf(run, after(10.1))?.ending).toMatchObject({ event: 'fail', failure: { code: 'cap-reached' } });
  expect(overdue(run, after(10.1))).toBeNull();
  expect(overdue(run, after(10.5))).toMatchObject({ event: 'fail' });
});

test('a run is left when its end was asked for, or it is over; the watch gives its own handler twenty seconds', () => {
  const asked = { ...run, cancelRequestedAt: startedAt };
  expect(stopOf(run, after(1))).toBeNull();
  expect(stopOf(asked, after(0))).toBeInstanceOf(RunStopped);
  expect(stopOf(asked, after(0))?.ending).toEqual({ event: 'cancel' });
  expect(stopOf({ ...run, status: 'failed' }, after(0))?.ending).toBeNull();
  expect(overdue(asked, after(0.3))).toBeNull();
  expect(overdue(asked, after(0.4))).toEqual({ event: 'cancel' });
});
