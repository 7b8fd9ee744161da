import { isProven, LEAST_DERIVED_CASES, type MetricsReport, type ModelCard } from '#core/metrics';
import type { TrainingConfig } from '#core/training-config';
import type { History, LeftOut } from './data.ts';
import { judge } from './gate.ts';
import type { Windows } from './split.ts';

/** What a person should know before trusting the model: pure, from what training found. */
export function makeCard(from: {
  now: number;
  config: TrainingConfig;
  report: MetricsReport;
  history: History;
  leftOut: LeftOut;
  windows: Windows;
  interactions: { item: Int32Array };
}): ModelCard {
  const { now, config, report, history, leftOut, windows } = from;
  return {
    createdAt: new Date(now).toISOString(),
    data: {
      from: new Date(windows.trainFrom).toISOString(),
      until: new Date(windows.testUntil).toISOString(),
      interactions: from.interactions.item.length,
      customers: history.customers,
      items: history.items,
      pairs: history.item.length,
      leftOut: { ...leftOut },
    },
    config: { ...config },
    metrics: report,
    gate: judge(report, { tolerance: config.gateTolerance }),
    notes: notesOn(report, history, config),
  };
}

/** Fewer measured customers than this make the figures too uncertain to compare closely. */
const FEW_CUSTOMERS = 100;

function notesOn(report: MetricsReport, history: History, config: TrainingConfig): string[] {
  const notes: string[] = [
    'Settings were chosen on the validation window; the test window was looked at once. The shipped model has the same settings, fitted on everything.',
  ];
  for (const [slot, measured] of Object.entries(report.slots)) {
    if (measured.fellBack)
      notes.push(`${slot}: ${measured.fellBack.from} was chosen first, but ${measured.fellBack.reason}`);
    const tuned = Object.entries(measured.baselineOptions);
    if (tuned.length > 0)
      notes.push(
        `${slot}: each baseline has the setting of its own that did best on the validation window: ${tuned.map(([name, options]) => `${name} ${JSON.stringify(options)}`).join(', ')}.`,
      );
    if (measured.customers < FEW_CUSTOMERS)
      notes.push(
        `${slot}: only ${measured.customers} customers could be measured; the figures are uncertain.`,
      );
  }
  const defaults: Record<string, string | undefined> = {
    similar: 'item-neighbours',
    basket: report.slots.discover?.algorithm,
  };
  for (const [slot, measured] of Object.entries(report.derived ?? {})) {
    const { algorithm, baseline, lead, cases } = measured;
    const byDefault = defaults[slot];
    if (byDefault !== undefined && algorithm !== byDefault)
      notes.push(
        `${slot}: ${algorithm} answers, which did better than ${byDefault} on the validation window beyond chance.`,
      );
    if (algorithm === baseline.algorithm)
      notes.push(
        `${slot}: answered by the baseline ${algorithm}, for no model that was tried has factors to complete.`,
      );
    else if (cases < LEAST_DERIVED_CASES)
      notes.push(`${slot}: ${cases} cases of the test window are not enough evidence.`);
    else if (!isProven(measured))
      notes.push(
        `${slot}: on ${cases} cases of the test window ${algorithm} is not surely better than ${baseline.algorithm}: its lead in NDCG@10 lies between ${lead.low.toFixed(4)} and ${lead.high.toFixed(4)}.`,
      );
  }
  for (const { algorithm, options, reason } of report.failed ?? [])
    notes.push(`${algorithm} ${JSON.stringify(options)} could not be fitted and was left out: ${reason}`);
  const { trialsCut, trialsStopped = 0 } = report;
  if (trialsCut + trialsStopped > 0)
    notes.push(
      `${report.trials} settings were tried${trialsStopped > 0 ? `, ${trialsStopped} of them not to the end,` : ''} and ${trialsCut} left out, because ${config.seconds} seconds had passed: another run on the same data may choose otherwise.`,
    );
  if (report.window.newCustomers > 0)
    notes.push(
      `${report.window.newCustomers} customers bought for the first time in the test window and were not measured; such customers get popular items until they have a history.`,
    );
  if (report.window.newItemPurchases > 0)
    notes.push(
      `${report.window.newItemPurchases} purchases in the test window were of items nobody had bought before; no model that learns from purchases can offer those.`,
    );
  const short = countShort(history);
  if (short > 0) notes.push(`${short} of ${history.customers} customers have fewer than 3 different items.`);
  return notes;
}

function countShort(history: History): number {
  let short = 0;
  for (let c = 0; c < history.customers; c++) if (history.indptr[c + 1]! - history.indptr[c]! < 3) short++;
  return short;
}
