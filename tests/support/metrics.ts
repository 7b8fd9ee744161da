import { MetricsReport } from '#core/metrics';

/** The report of a training in which nothing was measured, all of it at the moment `at`. */
export function nothingMeasured(at: string): MetricsReport {
  return MetricsReport.parse({
    slots: {},
    overall: {
      model: { ndcg10: 0, recall10: 0, recall20: 0, coverage: 0 },
      baselines: {},
      customers: 0,
    },
    window: {
      trainFrom: at,
      validationFrom: at,
      testFrom: at,
      testUntil: at,
      newCustomers: 0,
      newItemPurchases: 0,
    },
    trials: 1,
    trialsCut: 0,
    seconds: 1,
  });
}
