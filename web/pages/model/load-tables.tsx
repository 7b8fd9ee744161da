import { useState } from 'preact/hooks';
import { listEtlHistory } from '#core/api/etl';
import { type EtlCounts, type EtlTable } from '#core/etl-run';
import { api } from '../../api.ts';
import { Badge } from '../../ui/badge.tsx';
import { bytes, count, counted, duration } from '../../ui/format.ts';
import { Ago } from '../../ui/moment.tsx';
import { Scroll } from '../../ui/scroll.tsx';
import { RecordedFailure, Shown } from '../../ui/states.tsx';
import { useAnswer } from '../../use-work.ts';
import type { SoFar } from './progress.ts';
import { ReasonList } from './reason-list.tsx';
import { rejectedReasons } from './reasons.ts';
import { RejectedRows } from './rejected-rows.tsx';
import { ProofLine, ProofMeasures } from './table-proof.tsx';
import { AsItIsLine, StepsLine } from './table-steps.tsx';

const NOTHING = { rows: 0, bytes: 0 };

/** Rows that were left out, for whatever reason. */
export const rejectedOf = (reasons: EtlCounts['rejected']) =>
  Object.values(reasons).reduce((sum, rows) => sum + rows, 0);

interface LoadTablesProps {
  readonly tenant: string;
  readonly model: string;
  readonly tables: readonly EtlTable[];
  /** What the tasks at work have read so far. */
  readonly sofar: SoFar;
}

/** The tables of a run with what became of each, what was left out and why, and what former runs did to it. */
export function LoadTables({ tables, sofar, ...of }: LoadTablesProps) {
  return (
    <Scroll label="Tables of the run">
      <table class="stacks">
        <thead>
          <tr>
            <th scope="col">Table</th>
            <th scope="col">Status</th>
            <th scope="col" class="number">
              Rows
            </th>
            <th scope="col" class="number">
              Rejected
            </th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col">
              <span class="unseen">History</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tables
            .toSorted((a, b) => a.name.localeCompare(b.name))
            .map((table) => (
              <TableLine key={table.id} {...of} table={table} sofar={sofar.get(table.id) ?? NOTHING} />
            ))}
        </tbody>
      </table>
    </Scroll>
  );
}

interface TableLineProps {
  readonly tenant: string;
  readonly model: string;
  readonly table: EtlTable;
  readonly sofar: { readonly rows: number; readonly bytes: number };
}

function TableLine({ tenant, model, table, sofar }: TableLineProps) {
  const [open, setOpen] = useState(false);
  const [rowsOpen, setRowsOpen] = useState(false);
  const { counts } = table;
  const rejected = rejectedOf(counts.rejected);
  const misfits = counts.misfits ?? {};
  const rows = Math.max(counts.rows, sofar.rows);
  return (
    <>
      <tr>
        <th scope="row" class="name">
          {table.name}
          <ProofLine proof={table.proof} />
          <AsItIsLine asItIs={table.asItIs} />
          <StepsLine table={table} />
        </th>
        <td>
          <Badge status={table.status} />
        </td>
        <td class="number" data-label="Rows">
          {table.status === 'succeeded' && rows === 0 && table.mode !== 'replace'
            ? 'nothing new'
            : count(rows)}
        </td>
        <td class="number" data-label="Rejected">
          {rejected === 0 ? '–' : count(rejected)}
        </td>
        <td class="number" data-label="Size">
          {bytes(Math.max(counts.bytes, sofar.bytes))}
        </td>
        <td class="number">
          <button
            class="button link"
            type="button"
            aria-expanded={open}
            aria-label={`History of ${table.name}`}
            onClick={() => setOpen(!open)}
          >
            history
          </button>
        </td>
      </tr>
      {(table.failure !== null ||
        rejected > 0 ||
        rejectedOf(misfits) > 0 ||
        table.notes.length > 0 ||
        open) && (
        <tr class="more">
          <td colSpan={6}>
            <div class="stack">
              {table.failure !== null && <RecordedFailure failure={table.failure} />}
              {table.notes.length > 0 && (
                <ul class="quiet" aria-label={`Notes on ${table.name}`}>
                  {table.notes.map((note) => (
                    <li key={note}>{note}</li>
                  ))}
                </ul>
              )}
              <ReasonList
                title="Rejected"
                label={`Rejected rows of ${table.name}`}
                reasons={rejectedReasons(counts.rejected)}
                of={rows + rejected}
              />
              <ReasonList
                title="Left empty, or as text"
                label={`Misfits of ${table.name}`}
                reasons={rejectedReasons(misfits)}
                of={rows}
              />
              {rejected > 0 && (
                <>
                  <button
                    class="button link"
                    type="button"
                    aria-expanded={rowsOpen}
                    aria-label={`look at them: rejected rows of ${table.name}`}
                    onClick={() => setRowsOpen(!rowsOpen)}
                  >
                    look at them
                  </button>
                  {rowsOpen && <RejectedRows tenant={tenant} model={model} table={table} />}
                </>
              )}
              {table.proof !== null && (open || table.proof.differ > 0) && (
                <ProofMeasures name={table.name} proof={table.proof} />
              )}
              {open && <TableHistory tenant={tenant} model={model} table={table} />}
            </div>
          </td>
        </tr>
      )}
    </>
  );
}

function TableHistory({ tenant, model, table }: Omit<TableLineProps, 'sofar'>) {
  const history = useAnswer(`${table.source} ${table.id} ${table.run} ${table.status}`, (signal) =>
    api(listEtlHistory, {
      params: { tenant, model },
      query: { source: table.source, table: table.id, limit: 20 },
      signal,
    }),
  );
  return (
    <Shown of={history}>
      {({ items }) =>
        items.length === 0 ? (
          <p class="quiet">No run has taken this table yet.</p>
        ) : (
          <>
            <h3>Its runs</h3>
            <ol class="lately" aria-label={`Runs of ${table.name}`}>
              {items.map((each) => (
                <li key={each.run}>
                  <Badge status={each.status} />
                  <span>
                    {counted(each.counts.rows, 'row')}
                    {rejectedOf(each.counts.rejected) > 0 &&
                      `, ${count(rejectedOf(each.counts.rejected))} rejected`}
                  </span>
                  <span class="quiet">
                    {each.watermark !== null && `up to ${each.watermark} · `}
                    {each.finishedAt !== null &&
                      `took ${duration(Date.parse(each.finishedAt) - Date.parse(each.createdAt))} · `}
                    <Ago at={each.createdAt} />
                  </span>
                  {each.failure !== null && <p class="wrong">{each.failure.message}</p>}
                </li>
              ))}
            </ol>
          </>
        )
      }
    </Shown>
  );
}
