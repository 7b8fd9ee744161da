import type { MetricsReport, RankingMetrics, SlotMetrics } from '#core/metrics';
import { SLOTS, slotBaseline } from '#core/slot';
import { count, metric } from '../../ui/format.ts';
import { Scroll } from '../../ui/scroll.tsx';

const SLOT_TITLES = { reorder: 'Re-order', discover: 'Discover' } as const;
const COLUMNS: readonly (readonly [keyof Omit<RankingMetrics, 'at'>, string, string])[] = [
  ['ndcg10', 'NDCG@10', 'How high the right items stand in the first ten'],
  ['recall10', 'Recall@10', 'Share of what was bought found in the first ten'],
  ['recall20', 'Recall@20', 'Share of what was bought found in the first twenty'],
  ['coverage', 'Coverage', 'Share of the catalogue that is offered to anybody'],
];

/** Each slot's model beside its baselines. */
export function MetricsTables({ metrics }: { readonly metrics: MetricsReport }) {
  return (
    <div class="metrics">
      {SLOTS.map((slot) => {
        const measured = metrics.slots[slot];
        return measured === undefined ? null : (
          <SlotTable key={slot} title={SLOT_TITLES[slot]} must={slotBaseline[slot]} slot={measured} />
        );
      })}
    </div>
  );
}

interface SlotTableProps {
  readonly title: string;
  /** The baseline that counts for the gate. */
  readonly must: string;
  readonly slot: SlotMetrics;
}

function SlotTable({ title, must, slot }: SlotTableProps) {
  const rows: [string, RankingMetrics, boolean][] = [
    [slot.algorithm, slot.model, true],
    ...Object.entries(slot.baselines).map(([name, values]): [string, RankingMetrics, boolean] => [
      name,
      values,
      false,
    ]),
  ];
  const best = (key: (typeof COLUMNS)[number][0]) => Math.max(...rows.map(([, values]) => values[key]));
  return (
    <Scroll label={`${title}: metrics`}>
      <table class="measured">
        <caption>
          {title} <span class="quiet">{count(slot.customers)} customers measured</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">Method</th>
            {COLUMNS.map(([key, name, meaning]) => (
              <th key={key} scope="col" class="number" title={meaning}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, values, ours]) => (
            <tr key={`${name}${ours}`} class={ours ? 'ours' : undefined}>
              <th scope="row">
                {name}{' '}
                <span class="quiet">{ours ? 'the model' : name === must ? 'to beat' : 'baseline'}</span>
              </th>
              {COLUMNS.map(([key]) => (
                <td key={key} class="number">
                  {values[key] === best(key) ? <strong>{metric(values[key])}</strong> : metric(values[key])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {slot.fellBack !== null && (
        <p class="notice warning">
          {slot.fellBack.from} was chosen first, but {slot.fellBack.reason}
        </p>
      )}
    </Scroll>
  );
}
