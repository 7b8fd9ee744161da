import { type EtlTable, stepTimes } from '#core/etl-run';
import { planEnd } from '../../../functions/etl/finish.ts';
import { judge } from '../../../functions/etl/watch.ts';

const table = (name: string, more: Partial<EtlTable>): EtlTable => ({
  id: 'tabc',
  run: 'rabc',
  source: 'sabc',
  name,
  destination: name,
  mode: 'replace',
  status: 'succeeded',
  counts: { rows: 10, bytes: 100, rejected: {} },
  failure: null,
  watermark: null,
  rowLimit: null,
  ofRows: null,
  proof: null,
  added: null,
  notes: [],
  asItIs: null,
  reading: null,
  marks: {},
  createdAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
  ...more,
});
const refused = { code: 'permission-denied', message: 'No right to read "orders".', remedy: 'GRANT SELECT.' };

describe('how a run ends', () => {
  test('all tables well: succeeded, with their sums', () => {
    const counts = { rows: 5, bytes: 50, rejected: { 'out-of-range': 2 } };
    expect(planEnd([table('a', {}), table('b', { counts })])).toEqual({
      event: 'succeed',
      counts: { rows: 15, bytes: 150, rejected: { 'out-of-range': 2 } },
      failure: null,
    });
  });
  test('one failed: partial, the others count, the reason and its remedy are kept', () => {
    const end = planEnd([table('a', {}), table('orders', { status: 'failed', failure: refused })]);
    expect(end).toMatchObject({ event: 'part', counts: { rows: 10 } });
    expect(end.failure).toEqual({ ...refused, message: '1 of 2 tables failed. No right to read "orders".' });
  });
  test('all failed: failed', () => {
    const end = planEnd([table('orders', { status: 'failed', failure: refused })]);
    expect(end).toMatchObject({ event: 'fail', counts: { rows: 0 }, failure: refused });
  });
});

describe('how a run ends that was to end before it was done', () => {
  const cancelled = table('slow', { status: 'cancelled', counts: { rows: 99, bytes: 9, rejected: {} } });
  test('one table cancelled: cancelled; what was published counts, what was not does not', () => {
    expect(planEnd([table('a', {}), cancelled], { event: 'cancel' })).toEqual({
      event: 'cancel',
      counts: { rows: 10, bytes: 100, rejected: {} },
      failure: null,
    });
  });
  test('every table was done when the cancellation came: it succeeded', () => {
    expect(planEnd([table('a', {})], { event: 'cancel' }).event).toBe('succeed');
  });
  test('nothing had begun: cancelled, or failed for the reason given', () => {
    expect(planEnd([], { event: 'cancel' })).toMatchObject({ event: 'cancel', failure: null });
    expect(planEnd([], { event: 'fail', failure: refused })).toMatchObject({
      event: 'fail',
      failure: refused,
    });
  });
});

describe('what the watch does about a run', () => {
  const clock = Date.parse('2026-01-01T00:10:00.000Z');
  const run = {
    attempts: 1,
    executions: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    begunAt: null,
    askedAt: '2026-01-01T00:00:01.000Z',
  };
  const asking = { ...run, attempts: 2, askedAt: '2026-01-01T00:09:30.000Z' };
  test.each([
    ['its lease is alive', run, clock + 1, 'failed', 'nothing'],
    ['the container runs or waits', run, 0, 'running', 'nothing'],
    ['it was written a moment ago', { ...run, createdAt: '2026-01-01T00:09:30.000Z' }, 0, null, 'nothing'],
    [
      'what it waited for ended a moment ago: its container is being asked for',
      { ...run, begunAt: '2026-01-01T00:09:30.000Z' },
      0,
      null,
      'nothing',
    ],
    ['its message was lost', { ...run, attempts: 0, executions: 0 }, 0, null, 'start'],
    ['the container is dead', run, clock - 1, 'failed', 'resume'],
    ['the container ended without ending the run', run, clock - 1, 'succeeded', 'resume'],
    ['the platform never heard of it', run, 0, 'unknown', 'resume'],
    ['another container is being asked for', asking, 0, 'failed', 'nothing'],
    ['who asked for another one died', { ...asking, askedAt: run.askedAt }, 0, 'failed', 'resume'],
    ['another one was asked for and made', { ...asking, executions: 2 }, 0, 'failed', 'resume'],
    ['it was started three times', { ...run, attempts: 3, executions: 3 }, 0, 'failed', 'give-up'],
    ['those who were to start it died', { ...run, attempts: 5, executions: 0 }, 0, null, 'start'],
    ['they died again and again', { ...run, attempts: 6, executions: 2 }, 0, 'failed', 'give-up'],
  ] as const)('%s', (_, of, lease, state, care) => {
    expect(judge(of, lease, state, clock)).toBe(care);
  });
});

test('what a load took its time by: each step until the next, the last until its end', () => {
  const at = (second: number) => `2026-11-01T08:00:${String(second).padStart(2, '0')}.000Z`;
  const marks = { planning: at(0), extracting: at(2), loading: at(7) };
  expect(stepTimes({ marks, finishedAt: at(9) })).toEqual([
    ['planning', 2000],
    ['extracting', 5000],
    ['loading', 2000],
  ]);
  // What is not over has no time yet; records of before have none.
  expect(stepTimes({ marks, finishedAt: null })).toHaveLength(2);
  expect(stepTimes({ marks: {}, finishedAt: at(9) })).toEqual([]);
});
