import type { Warehouse } from '../../../functions/cloud/bigquery.ts';
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
      return Promise.resolve();
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

it('writes in batches of at most 500, making the table once', async () => {
  const { fake, batches, calls } = warehouse(() => false);
  const predictions = openPredictionLog(fake, 'logs', log);
  for (let n = 0; n < 1200; n++) predictions.add(prediction(n));
  await predictions.close();
  expect(batches.map((batch) => batch.length)).toEqual([500, 500, 200]);
  expect(batches.flat()).toEqual(Array.from({ length: 1200 }, (_, n) => `r${n}`));
  expect(calls).toEqual(['table predictions']);
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
  ['hangs', () => new Promise<void>(() => undefined)],
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
