import { connectors } from '#connectors/registry';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { type LoadMode, Source, SourceTable } from '#core/source';
import { mustRead, update } from '#store/document';
import type { ModelKey } from '#store/source-access';
import type { Store } from '#store/store';

/** What a person may choose of a table; what is left out stays. */
export interface TableChoice {
  readonly enabled?: boolean | undefined;
  readonly mode?: LoadMode | undefined;
  readonly cursor?: string | null | undefined;
  readonly rejectLimit?: number | undefined;
}

/** Changes how a table is loaded. @throws TerminalError `mode-not-possible`, `unknown-column`, `cursor-not-possible` */
export async function changeTable(
  store: Store,
  key: ModelKey & { readonly source: string; readonly table: string },
  actor: string,
  choice: TableChoice,
): Promise<SourceTable> {
  const sourcePath = paths.source(key.tenant, key.model, key.source);
  const source = (await mustRead(store, sourcePath, Source, 'source')).value;
  const { capabilities, label } = connectors[source.settings.kind];
  const path = paths.sourceTable(key.tenant, key.model, key.source, key.table);
  return update(
    store,
    path,
    SourceTable,
    'table',
    (table) => {
      const next = { ...table, ...given(choice) };
      checkChoice(next, capabilities, label);
      return next;
    },
    { tenant: key.tenant, actor, action: 'table.update', target: path },
  );
}

function given(choice: TableChoice): Partial<SourceTable> {
  return Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== undefined));
}

/** Whether the kind of source can load the table as chosen. */
export function checkChoice(
  table: Pick<SourceTable, 'name' | 'columns' | 'mode' | 'cursor'>,
  capabilities: (typeof connectors)[keyof typeof connectors]['capabilities'],
  label: string,
): void {
  if (!capabilities.modes.includes(table.mode))
    throw new TerminalError('mode-not-possible', `${label} cannot load "${table.name}" by ${table.mode}.`, {
      remedy: `Choose ${capabilities.modes.join(' or ')}.`,
    });
  if (table.cursor === null) return;
  const column = table.columns.find((one) => one.name === table.cursor);
  const fitting = table.columns.filter((one) => capabilities.cursorTypes.includes(one.type));
  const choices = fitting.slice(0, 10).map((one) => `"${one.name}"`);
  const remedy =
    choices.length === 0
      ? 'Leave the cursor out: this table has no column that can be one.'
      : `Choose one of ${choices.join(', ')}.`;
  if (column === undefined)
    throw new TerminalError('unknown-column', `"${table.name}" has no column "${table.cursor}".`, { remedy });
  if (!capabilities.cursorTypes.includes(column.type))
    throw new TerminalError(
      'cursor-not-possible',
      `"${column.name}" is ${column.type}; ${label} cannot tell new rows by it.`,
      { remedy },
    );
}
