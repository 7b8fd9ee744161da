import type { MetricsReport, RankingMetrics } from '#core/metrics';
import type { CustomerAnswer } from '#scripts/start/answers';
import type { Outcome } from '#scripts/start/report';

const count = (value: number): string => value.toLocaleString('en-US');

/** The main job's outcome for people: counts, metrics beside the baselines, and what each customer is offered. */
export function summarise(outcome: Outcome): string {
  const { etl, extraction, metrics, answers } = outcome;
  return [
    '',
    `Loaded ${count(etl.rows)} rows (${(etl.bytes / 1e6).toFixed(1)} MB as Parquet).${listReasons(' Rejected', etl.rejected)}`,
    ...(extraction === null
      ? []
      : [
          `Learned from ${count(extraction.kept)} of ${count(extraction.lines)} order lines.${listReasons(' Left out', extraction.dropped)}`,
        ]),
    ...(metrics === null ? [] : metricsTable(metrics)),
    ...answers.flatMap(customerLines),
    '',
  ].join('\n');
}

function listReasons(title: string, reasons: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(reasons).filter(([, lines]) => (lines ?? 0) > 0);
  return parts.length === 0
    ? ''
    : `${title}: ${parts.map(([reason, lines]) => `${count(lines ?? 0)} ${reason}`).join(', ')}.`;
}

function metricsTable({ slots, window }: MetricsReport): string[] {
  const row = (name: string, { ndcg10, recall10, recall20, coverage }: RankingMetrics): string =>
    `  ${name.padEnd(30)}${[ndcg10, recall10, recall20, coverage].map((value) => value.toFixed(4).padStart(11)).join('')}`;
  const head = ['NDCG@10', 'Recall@10', 'Recall@20', 'coverage'].map((name) => name.padStart(11)).join('');
  return Object.entries(slots).flatMap(([slot, { model, baselines, algorithm, customers, fellBack }]) => [
    '',
    `  ${slot.padEnd(30)}${head}`,
    row(`the model (${algorithm})`, model),
    ...Object.entries(baselines).map(([name, figures]) => row(name, figures)),
    `  measured on ${count(customers)} customers' purchases from ${window.testFrom.slice(0, 10)} to ${window.testUntil.slice(0, 10)}, which the model had not seen`,
    ...(fellBack === null ? [] : [`  ${fellBack.from} was chosen first, but ${fellBack.reason}`]),
  ]);
}

const SHOWN = 4;

function customerLines({ customer, bought, discover, reorder }: CustomerAnswer): string[] {
  const label = (title: string, index: number): string => (index === 0 ? title : '').padEnd(10);
  const named = ({ id, name }: { id: string; name: string | null }): string =>
    name === null ? id : `${name} (${id})`;
  const offers = (title: string, items: CustomerAnswer['discover']): string[] =>
    items.slice(0, SHOWN).map((item, index) => `  ${label(title, index)} ${named(item)} - ${item.reason}`);
  return [
    '',
    customer.name === null ? `Customer ${customer.id}` : `${customer.name} (customer ${customer.id})`,
    ...bought
      .slice(0, SHOWN)
      .map(
        (item, index) =>
          `  ${label('bought', index)} ${named(item)} - ${item.orders} times, last on ${item.lastBought.slice(0, 10)}`,
      ),
    ...offers('offer', discover),
    ...offers('re-order', reorder),
  ];
}
