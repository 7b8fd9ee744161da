import type { Measure, Proof } from '#core/proof';
import { count, counted } from '../../ui/format.ts';
import { Scroll } from '../../ui/scroll.tsx';

/** What a table's load was proved by, in a line; nothing where it was not compared, or where that failed. */
export function ProofLine({ proof }: { readonly proof: Proof | null }) {
  if (proof === null || proof.differ > 0) return null;
  const by = proof.checksum === null ? '' : `, checksum 0x${proof.checksum}`;
  return (
    <span class="hint proof">
      {proof.stage === 'published' ? 'proved' : 'arrived as read'}: {counted(proof.rows, 'row')},{' '}
      {counted(proof.columns, 'column')}
      {by}
    </span>
  );
}

/** Each figure as it was counted while reading and as the warehouse has it; those that differ first. */
export function ProofMeasures({ name, proof }: { readonly name: string; readonly proof: Proof }) {
  const left = proof.measured - proof.measures.length;
  return (
    <div>
      <h3>
        {proof.differ > 0
          ? `Of ${counted(proof.measured, 'figure')} ${count(proof.differ)} ${proof.differ === 1 ? 'differs' : 'differ'}`
          : 'Proof'}
      </h3>
      <Scroll label={`What ${name} was compared by`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Figure</th>
              <th scope="col" class="number">
                Read
              </th>
              <th scope="col" class="number">
                In the warehouse
              </th>
            </tr>
          </thead>
          <tbody>
            {proof.measures.map((measure) => (
              <tr key={nameOf(measure)}>
                <th scope="row">{nameOf(measure)}</th>
                <td class="number">{measure.expected ?? '–'}</td>
                <td class={measure.expected === measure.obtained ? 'number' : 'number wrong'}>
                  {measure.obtained ?? '–'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {left > 0 && <p class="quiet">and {count(left)} more, alike on both sides</p>}
    </div>
  );
}

const nameOf = ({ what, column }: Measure) => (column === null ? what : `${what} of ${column}`);
