import { updateSourceTable } from '#core/api/sources';
import { paths } from '#core/paths';
import { SourceTable } from '#core/source';
import { api } from '../../api.ts';
import { useLiveList } from '../../live.ts';
import { count } from '../../ui/format.ts';
import { Scroll } from '../../ui/scroll.tsx';
import { Failure, Shown } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { MovedTables } from './moved-tables.tsx';
import { DriftChoice, hasDrifted, TableDrift } from './table-drift.tsx';
import { TableLoad } from './table-load.tsx';

interface TablesProps {
  readonly tenant: string;
  readonly model: string;
  readonly source: string;
  /** Column types by which new rows may be told; none where the source tells by itself. */
  readonly cursorTypes: readonly string[];
  /** Why nothing here may be changed; null: it may. */
  readonly unavailable: string | null;
}

/** The tables of a source as last read; what is ticked is loaded. */
export function SourceTables(props: TablesProps) {
  const tables = useLiveList(paths.sourceTables(props.tenant, props.model, props.source), SourceTable, {
    limit: 500,
  });
  return (
    <Shown of={tables}>
      {(found) =>
        found.length === 0 ? (
          <p class="quiet">No tables known yet: read the tables to see and choose them.</p>
        ) : (
          <>
            <MovedAtOnce {...props} tables={found} />
            <Scroll label="Tables of the source">
              <table class="stacks">
                <thead>
                  <tr>
                    <th scope="col">Load</th>
                    <th scope="col">Table</th>
                    <th scope="col" class="number">
                      Columns
                    </th>
                    <th scope="col" class="number">
                      Rows, about
                    </th>
                    <th scope="col">Each load</th>
                  </tr>
                </thead>
                <tbody>
                  {found
                    .toSorted((a, b) => a.name.localeCompare(b.name))
                    .map((table) => (
                      <TableRow key={table.id} {...props} table={table} />
                    ))}
                </tbody>
              </table>
            </Scroll>
          </>
        )
      }
    </Shown>
  );
}

/** Where several tables wait for the same answer, it is given once. */
function MovedAtOnce({ tables, ...props }: TablesProps & { readonly tables: readonly SourceTable[] }) {
  const asked = tables.filter(({ moved }) => moved?.decision === null);
  return asked.length < 2 ? null : <MovedTables {...props} tables={asked} />;
}

function TableRow({
  tenant,
  model,
  source,
  cursorTypes,
  unavailable,
  table,
}: TablesProps & { readonly table: SourceTable }) {
  const may = unavailable === null;
  const change = useWork(async (body: { enabled: boolean }) => {
    await api(updateSourceTable, { params: { tenant, model, source, table: table.id }, body });
  });
  return (
    <>
      <tr>
        <td>
          <input
            type="checkbox"
            aria-label={`Load ${table.name}`}
            checked={table.enabled}
            disabled={!may || change.busy}
            onChange={(event) => change.run({ enabled: event.currentTarget.checked })}
          />
        </td>
        <th scope="row" class="name">
          {table.name}
          {table.key !== null && <span class="quiet"> key {table.key.join(', ')}</span>}
        </th>
        <td class="number" data-label="Columns">
          {table.columns.length}
        </td>
        <td class="number" data-label="Rows">
          {table.estimatedRows === null ? '–' : count(table.estimatedRows)}
        </td>
        <td>
          <TableLoad tenant={tenant} model={model} table={table} cursorTypes={cursorTypes} may={may} />
          <DriftChoice tenant={tenant} model={model} table={table} may={may} />
        </td>
      </tr>
      {table.moved !== null && (
        <tr>
          <td colSpan={5}>
            <MovedTables tenant={tenant} model={model} tables={[table]} unavailable={unavailable} />
          </td>
        </tr>
      )}
      {hasDrifted(table) && (
        <tr class="more">
          <td colSpan={5}>
            <TableDrift tenant={tenant} model={model} table={table} may={may} />
          </td>
        </tr>
      )}
      {table.notes.length > 0 && (
        <tr>
          <td colSpan={5} class="quiet">
            {table.notes.map((note) => (
              <p key={note}>{note}</p>
            ))}
          </td>
        </tr>
      )}
      {change.error !== null && (
        <tr>
          <td colSpan={5}>
            <Failure error={change.error} />
          </td>
        </tr>
      )}
    </>
  );
}
