import { FEW_IN_PART, type CustomerParts, type PartMetrics } from '#core/metrics';
import { count, metric } from '../../ui/format.ts';
import { Scroll } from '../../ui/scroll.tsx';

const KINDS = {
  segment: '',
  others: 'Other segments',
  unknown: 'No segment known',
  light: 'Bought little',
  middle: 'Bought some',
  heavy: 'Bought much',
} as const satisfies Record<PartMetrics['kind'], string>;

/** A slot's figures by customer segment, or by how much customers had bought where no segment is known. */
export function PartsTable({
  title,
  of: { by, parts },
}: {
  readonly title: string;
  readonly of: CustomerParts;
}) {
  const what = by === 'segment' ? 'segment' : 'activity';
  return (
    <details>
      <summary>
        By customers’ {what} <span class="quiet">NDCG@10</span>
      </summary>
      <Scroll label={`By ${what}: ${title}`}>
        <table class="measured">
          <caption class="unseen">
            {title} by customers’ {what}: NDCG@10
          </caption>
          <thead>
            <tr>
              <th scope="col">Customers</th>
              <th scope="col" class="number">
                Measured
              </th>
              <th scope="col" class="number" title="NDCG@10 of the model">
                Model
              </th>
              <th scope="col" class="number" title="NDCG@10 of what is to be beaten">
                To beat
              </th>
              <th scope="col" class="number" title="Of 95 % of resamplings of these customers">
                Lead between
              </th>
            </tr>
          </thead>
          <tbody>
            {parts.map((part, n) => (
              <tr key={n}>
                <th scope="row">
                  {part.name ?? KINDS[part.kind]} <Purchases of={part} />
                </th>
                <td class="number">{count(part.customers)}</td>
                <Figures of={part} />
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}

function Purchases({ of: { purchases } }: { readonly of: PartMetrics }) {
  if (purchases === undefined) return null;
  const { least, most } = purchases;
  const range = least === most ? count(least) : `${count(least)} to ${count(most)}`;
  return <span class="quiet">{range} purchases before</span>;
}

function Figures({ of: { model, baseline, lead } }: { readonly of: PartMetrics }) {
  if (model === null || baseline === null || lead === null)
    return (
      <td colSpan={3} class="quiet">
        fewer than {FEW_IN_PART}: too few to tell
      </td>
    );
  return (
    <>
      <td class="number">{metric(model.ndcg10)}</td>
      <td class="number">{metric(baseline.ndcg10)}</td>
      <td class="number">
        {metric(lead.low)} and {metric(lead.high)}
      </td>
    </>
  );
}
