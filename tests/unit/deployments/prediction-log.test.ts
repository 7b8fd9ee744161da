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
  const fake: Pick<Warehouse, 'ensureDataset' | 'ensureTable' | 'insert'> = {
    ensureDataset: (dataset) => Promise.resolve(void calls.push(`dataset ${dataset}`)),
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
const log = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message), error() {} };

it('writes in batches of at most 500, making the table once', async () => {
  const { fake, batches, calls } = warehouse(() => false);
  const predictions = openPredictionLog(fake, 'logs', log);
  for (let n = 0; n < 1200; n++) predictions.add(prediction(n));
  await predictions.close();
  expect(batches.map((batch) => batch.length)).toEqual([500, 500, 200]);
  expect(batches.flat()).toEqual(Array.from({ length: 1200 }, (_, n) => `r${n}`));
  expect(calls).toEqual(['dataset logs', 'table predictions']);
});

it('keeps what could not be written, under the same insert ids', async () => {
  let away = true;
  const { fake, batches } = warehouse(() => away);
  const predictions = openPredictionLog(fake, 'logs', log);
  predictions.add(prediction(1));
  await predictions.close();
  expect(batches).toEqual([]);
  expect(warnings).toEqual(['predictions not written yet']);
  away = false;
  await predictions.close();
  expect(batches).toEqual([['r1']]);
});
