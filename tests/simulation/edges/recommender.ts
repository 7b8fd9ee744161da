/* Training without the numbers: it takes a while, may fail, and leaves what a training leaves. */
import { TerminalError } from '#core/errors';

const share = { ndcg10: 0.2, recall10: 0.2, recall20: 0.2, coverage: 0.2 };
const AT = '2026-01-01T00:00:00.000Z';
const METRICS = {
  slots: {},
  overall: { model: share, baselines: {}, customers: 50 },
  window: {
    trainFrom: AT,
    validationFrom: AT,
    testFrom: AT,
    testUntil: AT,
    newCustomers: 0,
    newItemPurchases: 0,
  },
  trials: 1,
  trialsCut: 0,
  seconds: 1,
};

export const LISTS = [{ customer: 'c1', slot: 'reorder', items: ['p1', 'p2'] }];

export const readSnapshot = async () => {
  const keys = Array.from({ length: 100 }, (_, n) => `k${n}`);
  return { customers: { keys }, items: { keys }, interactions: { item: keys } };
};

export const train = async ({ signal }: { signal: AbortSignal }) => {
  await simulation.pause(simulation.between(2000, 25_000), signal);
  if (simulation.chance(0.03)) throw new TerminalError('no-candidates', 'Nothing could be trained.');
  if (simulation.chance(0.03)) throw new Error('out of memory');
  const passed = !simulation.chance(0.1);
  return {
    artifact: simulation.bytes(8),
    recommender: { signals: null },
    report: METRICS,
    card: { gate: { passed, reasons: ['as drawn'], checks: [] } },
  };
};

export const openRecommender = () => null;

export const offlineLists = () => LISTS;

export const SHARED_COLUMNS: readonly never[] = [];
export const SIGNAL_TABLES: readonly never[] = [];

/** Lists of nobody. */
export async function* batchRows(): AsyncGenerator<readonly never[]> {
  yield [];
}
