import type { MetricsReport, RankingMetrics, SlotMetrics } from '#core/metrics';
import { AlgorithmName, SLOTS, slotBaseline } from '#core/slot';
import { count, metric } from '../../ui/format.ts';
import { Scroll } from '../../ui/scroll.tsx';
import { PartsTable } from './parts-table.tsx';

const SLOT_TITLES = { reorder: 'Re-order', discover: 'Discover' } as const;
type Column = 'ndcg10' | 'recall10' | 'recall20' | 'coverage';
const COLUMNS: readonly (readonly [Column, string, string])[] = [
  ['ndcg10', 'NDCG@10', 'How high the right items stand in the first ten'],
  ['recall10', 'Recall@10', 'Share of what was bought found in the first ten'],
  ['recall20', 'Recall@20', 'Share of what was bought found in the first twenty'],
  ['coverage', 'Coverage', 'Share of the catalogue that is offered to anybody'],
];

const METHODS: Readonly<Record<AlgorithmName, readonly [name: string, meaning: string]>> = {
  popularity: ['Popularity', 'What most customers buy'],
  'personal-frequency': ['Personal frequency', 'What this customer bought most often'],
  'purchase-rhythm': ['Purchase rhythm', 'What is due by this customer’s own rhythm'],
  'tifu-knn': ['Customers alike', 'What this customer and those most like it buy again and again'],
  'item-neighbours': ['Item neighbours', 'What is bought by the customers of the same items'],
  ease: ['EASE', 'A linear model over all pairs of items'],
  'graph-filter': [
    'Graph filter',
    'What spreads along purchases from customer to customer, smoothed over all of them',
  ],
  ials: ['iALS', 'Factors of customers and items, by alternating least squares'],
  'two-tower': [
    'Two towers',
    'Neural networks for customers, by what they bought, and for items, that meet in one space',
  ],
  blend: ['Blend', 'A weighted sum of other methods, weights learned on the validation window'],
};

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

function methodOf(
  name: string,
  options: SlotMetrics['options'] = {},
): readonly [name: string, meaning: string] {
  if (name === 'popularity' && options['segmentPrior'] !== undefined)
    return ['Popularity by segment', 'What customers of the same segment buy most'];
  const known = AlgorithmName.safeParse(name);
  return known.success ? METHODS[known.data] : [name, ''];
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
  const best = (key: Column) => Math.max(...rows.map(([, values]) => values[key]));
  // Where all are the same, none is the best.
  const stands = (key: Column, value: number) =>
    value === best(key) && rows.some(([, values]) => values[key] < value);
  return (
    <div>
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
                <th scope="row" title={methodOf(name, ours ? slot.options : {})[1]}>
                  {methodOf(name, ours ? slot.options : {})[0]}{' '}
                  <span class="quiet">{ours ? 'the model' : name === must ? 'to beat' : 'baseline'}</span>
                </th>
                {COLUMNS.map(([key]) => (
                  <td key={key} class="number">
                    {stands(key, values[key]) ? <strong>{metric(values[key])}</strong> : metric(values[key])}
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
      {slot.customersBy !== undefined && <PartsTable title={title} of={slot.customersBy} />}
    </div>
  );
}
