import { useState } from 'preact/hooks';
import { listEtlRejects } from '#core/api/etl';
import type { EtlTable } from '#core/etl-run';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { Scroll } from '../../ui/scroll.tsx';
import { Shown } from '../../ui/states.tsx';
import { useAnswer } from '../../use-work.ts';
import { rejectedReasons } from './reasons.ts';

interface RejectedRowsProps {
  readonly tenant: string;
  readonly model: string;
  readonly table: EtlTable;
}

const PAGE = 20;

/** Rows that a load left out, page by page. */
export function RejectedRows({ tenant, model, table }: RejectedRowsProps) {
  const [offset, setOffset] = useState(0);
  const found = useAnswer(`${table.run} ${table.id} ${offset}`, (signal) =>
    api(listEtlRejects, {
      params: { tenant, model, run: table.run, table: table.id },
      query: { offset, limit: PAGE },
      signal,
    }),
  );
  return (
    <Shown of={found}>
      {({ items, next, values }) => (
        <div class="stack">
          {!values && <p class="quiet">Your role sees no values of rejected rows.</p>}
          {items.length === 0 ? (
            <p class="quiet">No examples are kept.</p>
          ) : (
            <Scroll label={`Rejected rows of ${table.name}, one by one`}>
              <table>
                <thead>
                  <tr>
                    <th scope="col" class="number">
                      Line
                    </th>
                    <th scope="col">Column</th>
                    <th scope="col">Reason</th>
                    <th scope="col">Value</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((row, index) => (
                    <tr key={index}>
                      <td class="number">{row.line ?? '–'}</td>
                      <td>{row.column ?? 'the whole row'}</td>
                      <td title={row.message ?? undefined}>
                        {rejectedReasons({ [row.reason]: 1 })[0]?.text ?? row.reason}
                      </td>
                      <td>{row.value === null ? '–' : <code>{row.value}</code>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          )}
          <div class="row">
            {offset > 0 && (
              <Button kind="plain" small onClick={() => setOffset(Math.max(0, offset - PAGE))}>
                Former rows
              </Button>
            )}
            {next !== null && (
              <Button kind="plain" small onClick={() => setOffset(next)}>
                More rows
              </Button>
            )}
          </div>
        </div>
      )}
    </Shown>
  );
}
