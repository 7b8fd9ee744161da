import type { Warehouse } from '../../../functions/cloud/bigquery.ts';
import { refusedRows } from '../../../functions/cloud/refused-rows.ts';
import { openRowLog } from '../../../functions/deployments/row-log.ts';
import { openPredictionLog, type Prediction } from '../../../functions/deployments/prediction-log.ts';

const prediction = (n: number): Prediction => ({
  recommendationId: `r${n}`,
  at: '2025-11-01T00:00:00.000Z',
  version: 'v1',
  deployment: 'd1',
  kind: 'recommend',
  slot: 'discover',
  customer: 'c1',
  context: [],
  items: ['i1', 'i2'],
  known: true,
  latencyMs: 1.5,
});

/** The warehouse's three calls that the log makes; the rest of it is not there. */
function warehouse(fail: () => boolean) {
  const batches: string[][] = [];
  const calls: string[] = [];
  const fake: Pick<Warehouse, 'ensureTable' | 'insert'> = {
    ensureTable: (ref) => Promise.resolve(void calls.push(`table ${ref.table}`)),
    insert: (_, rows) => {
      if (fail()) return Promise.reject(new Error('away'));
      batches.push(rows.map(({ id }) => id));
      return Promise.resolve([]);
    },
  };
  return { fake: fake as Warehouse, batches, calls };
}
const warnings: string[] = [];
const errors: unknown[] = [];
const log = {
  debug() {},
  info() {},
  warn: (message: string) => void warnings.push(message),
  error: (...said: unknown[]) => void errors.push(said),
};
beforeEach(() => {
  warnings.length = 0;
  errors.length = 0;
});

it('writes as soon as 100 wait, then in batches of at most 500, making the table once', async () => {
  const { fake, batches, calls } = warehouse(() => false);
  const predictions = openPredictionLog(fake, 'logs', log);
  for (let n = 0; n < 1200; n++) predictions.add(prediction(n));
  await predictions.close();
  expect(batches.map((batch) => batch.length)).toEqual([100, 500, 500, 100]);
  expect(batches.flat()).toEqual(Array.from({ length: 1200 }, (_, n) => `r${n}`));
  expect(calls).toEqual(['table predictions']);
});

it('lets what comes during a write wait for company, however steadily it comes', async () => {
  const { fake, batches } = warehouse(() => false);
  let written = 0;
  const predictions = openPredictionLog(
    {
      ...fake,
      insert: async (ref, rows) => {
        // One more comes while this one is under way, as under load.
        if (written++ < 10) predictions.add(prediction(1000 + written));
        return fake.insert(ref, rows);
      },
    },
    'logs',
    log,
  );
  for (let n = 0; n < 100; n++) predictions.add(prediction(n));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(batches.map((batch) => batch.length)).toEqual([100]);
  await predictions.close();
  expect(batches.slice(1).flat()).toEqual(Array.from({ length: 10 }, (_, n) => `r${1001 + n}`));
});

const soon = { milliseconds: 10_000, pauseMilliseconds: 1 };

it('keeps what could not be written, and at the end writes it under the same insert ids', async () => {
  let refusals = 3;
  const { fake, batches } = warehouse(() => refusals-- > 0);
  const predictions = openPredictionLog(fake, 'logs', log, soon);
  predictions.add(prediction(1));
  await predictions.close();
  expect(batches).toEqual([['r1']]);
  expect(warnings).toEqual(Array.from({ length: 3 }, () => 'predictions not written yet'));
  expect(errors).toEqual([]);
});

it.each([
  ['refuses', () => Promise.reject(new Error('away'))],
  ['hangs', () => new Promise<never>(() => undefined)],
])('says how many are lost where the warehouse %s until the grace is over', async (_, insert) => {
  const { fake } = warehouse(() => false);
  const predictions = openPredictionLog({ ...fake, insert }, 'logs', log, {
    milliseconds: 50,
    pauseMilliseconds: 10,
  });
  for (let n = 0; n < 7; n++) predictions.add(prediction(n));
  await predictions.close();
  expect(errors).toEqual([['predictions lost', { lost: 7 }]]);
});

it('sets aside what the table refuses, says so, and writes the others', async () => {
  const { fake, batches } = warehouse(() => false);
  const insert: Warehouse['insert'] = async (table, rows) => {
    const bad = rows.filter(({ id }) => id.startsWith('bad'));
    await fake.insert(
      table,
      rows.filter((row) => !bad.includes(row)),
    );
    return bad.map(({ id }) => ({ id, message: 'Could not parse as TIMESTAMP.' }));
  };
  const rows = openRowLog(
    { ...fake, insert },
    { dataset: 'logs', table: 'feedback' },
    [],
    'feedback',
    log,
    soon,
  );
  for (const id of ['a', 'bad1', 'b', 'bad2']) rows.add(id, { at: id });
  for (let n = 0; n < 120; n++) rows.add(`bad-${n}`, { at: 'yesterday' });
  await rows.close();
  expect(batches.flat()).toEqual(['a', 'b']);
  expect(rows.refused().count).toBe(122);
  expect(rows.refused().newest).toHaveLength(100);
  expect(rows.refused().newest.at(-1)).toEqual({ id: 'bad-119', message: 'Could not parse as TIMESTAMP.' });
  const named = (...ids: string[]) => ids.map((id) => `${id}: Could not parse as TIMESTAMP.`).join('; ');
  expect(warnings).toEqual([]);
  expect(errors).toEqual([
    ['feedback refused by the table', { refused: 98, inAll: 98, rows: named('bad1', 'bad2', 'bad-0') }],
    ['feedback refused by the table', { refused: 24, inAll: 122, rows: named('bad-96', 'bad-97', 'bad-98') }],
  ]);
});

it('sends no more at once than a request takes', async () => {
  const { fake, batches } = warehouse(() => false);
  const rows = openRowLog(fake, { dataset: 'logs', table: 'predictions' }, [], 'predictions', log);
  for (let n = 0; n < 5; n++) rows.add(`r${n}`, { context: 'x'.repeat(900_000) });
  rows.add('long', { context: 'x'.repeat(3_000_000) });
  await rows.close();
  expect(batches).toEqual([['r0', 'r1'], ['r2', 'r3'], ['r4'], ['long']]);
});

it('a row is refused only where its own fault is told', () => {
  const leftOut = (...reasons: string[]) => ({
    insertErrors: reasons.map((reason, n) => ({ index: n + 1, errors: [{ reason, message: `m${n}` }] })),
  });
  const ids = ['r0', 'r1', 'r2'];
  expect(refusedRows(leftOut('invalid', 'invalid'), ids)).toEqual([
    { id: 'r1', message: 'm0' },
    { id: 'r2', message: 'm1' },
  ]);
  expect(refusedRows(leftOut('invalid', 'backendError'), ids)).toBeNull();
  expect(refusedRows({ kind: 'bigquery#tableDataInsertAllResponse' }, ids)).toEqual([]);
});
