import type { JobOutcome, Warehouse } from '#cloud/bigquery';
import { makeLog } from '#runtime/log';
import { runJob } from '../../../functions/etl/jobs.ts';
import { planRunTables } from '../../../functions/etl/write-tables.ts';
import { restSeconds } from '../../../functions/etl/units.ts';

const failed = (reason: string, message: string): JobOutcome => ({
  state: 'failed',
  reason,
  message,
  outputRows: 0,
});
const succeeded: JobOutcome = { state: 'succeeded', reason: '', message: '', outputRows: 1 };

/** BigQuery that answers with `outcomes` one after the other, and the rests that were taken. */
function scene(outcomes: readonly JobOutcome[], isDone?: (started: readonly string[]) => boolean) {
  const started: string[] = [];
  const rests: number[] = [];
  const warehouse = {
    waitFor: async () => outcomes[started.length - 1] ?? succeeded,
  } as unknown as Warehouse; // runJob only waits
  const scope = {
    warehouse,
    signal: new AbortController().signal,
    log: makeLog(
      'test',
      () => 0,
      () => undefined,
    ),
  };
  const run = () =>
    runJob(
      scope,
      'job',
      async (id) => void started.push(id),
      isDone === undefined ? undefined : async () => isDone(started),
      async (milliseconds) => void rests.push(milliseconds),
    );
  return { run, started, rests };
}

test('a warehouse that is busy is asked again, after longer and longer rests', async () => {
  const busy = failed('backendError', 'try again');
  const { run, started, rests } = scene([busy, busy, succeeded]);
  await run();
  expect(started).toEqual(['job-1', 'job-2', 'job-3']);
  expect(rests).toEqual([1000, 4000]);
});

test('a success under an id that somebody else has used up is none: the next id is taken', async () => {
  const { run, started } = scene([succeeded, succeeded], (ids) => ids.includes('job-2'));
  await run();
  expect(started).toEqual(['job-1', 'job-2']);
});

test('a job that failed and left its result behind all the same is not done again', async () => {
  const { run, started } = scene([failed('backendError', 'no answer')], () => true);
  await run();
  expect(started).toEqual(['job-1']);
});

test('after its last attempt the job is over for good, with the reason: its ids will never be new again', async () => {
  const busy = failed('rateLimitExceeded', 'too many table updates');
  const { run, started } = scene([busy, busy, busy, busy, busy]);
  await expect(run()).rejects.toMatchObject({
    name: 'TerminalError',
    code: 'warehouse-job-failed',
    message: 'BigQuery could not do job-4 in 4 attempts (rateLimitExceeded): too many table updates',
    remedy: expect.stringContaining('again later'),
  });
  expect(started).toHaveLength(4);
});

test('what no other attempt can mend is not tried again', async () => {
  const { run, started } = scene([failed('invalidQuery', 'no such column')]);
  await expect(run()).rejects.toMatchObject({ code: 'warehouse-job-failed' });
  expect(started).toEqual(['job-1']);
});

test('of two tables that would be loaded to one place the second begins as failed, and names the first', () => {
  const table = (id: string, name: string, destination: string) => ({
    id,
    source: 's1',
    name,
    columns: [],
    key: null,
    excluded: [],
    mergeKey: null,
    deletes: 'keep' as const,
    deleteLimit: 0.5,
    estimatedRows: null,
    enabled: true,
    mode: 'replace' as const,
    cursor: null,
    destination,
    drift: 'propagate' as const,
    loaded: null,
    proposal: null,
    next: null,
    versions: 1,
    former: [],
    rejectLimit: 0,
    startFrom: null,
    sweepHours: 24,
    filter: null,
    rowLimit: null,
    hashed: [],
    misfits: [],
    discoveredAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    notes: [],
    moved: null,
  });
  const planned = planRunTables(
    'r1',
    [table('t1', 'A', 'x'), table('t2', 'B', 'x'), table('t3', 'C', 'y')],
    '2026-01-02T00:00:00.000Z',
  );
  expect(planned).toMatchObject([
    { status: 'queued', failure: null },
    { status: 'failed', failure: { code: 'destination-taken', message: expect.stringContaining('"A"') } },
    { status: 'queued' },
  ]);
});

test('a failed unit rests for longer and longer', () => {
  expect([1, 2, 3].map(restSeconds)).toEqual([2, 8, 32]);
});
