import type { TableDescription } from '#connectors/connector';
import { destinationName, rawTablesOf, type SourceTable } from '#core/source';
import { type ColumnReaders, withProposal } from '#core/table-drift';
import { hashedAmong, notesWithout } from '#core/hashed-column';
import { tableId } from '#store/source-access';

/** Share of a table's rows that may be rejected before the table fails, until a person chooses otherwise. */
const REJECT_LIMIT = 0.01;

export interface DiscoveryInput {
  readonly source: { readonly id: string; readonly name: string };
  readonly found: readonly TableDescription[];
  /** The source's tables as last discovered. */
  readonly known: readonly SourceTable[];
  /** Destinations of the model's other sources. */
  readonly taken: ReadonlySet<string>;
  /** What reads the raw tables: data sets. */
  readonly readers: ColumnReaders;
  /** Now, as a Moment. */
  readonly at: string;
}

/**
 * The source's tables after a discovery: those found, with the settings of those known before. A table that is gone
 * stays while it is enabled, so that the next run says it is missing; otherwise it goes (`gone`: their ids). Nothing of what
 * has changed is applied by it: a load does that, or proposes it, and what would be proposed is here already.
 */
export function planTables(input: DiscoveryInput): { tables: SourceTable[]; gone: string[] } {
  const known = new Map(input.known.map((table) => [table.name, table]));
  const taken = new Set([...input.taken, ...input.known.flatMap(rawTablesOf)]);
  const tables = input.found.map((found): SourceTable => {
    const before = known.get(found.name);
    const id = before?.id ?? tableId(input.source.id, found.name);
    known.delete(found.name);
    const facts = {
      id,
      source: input.source.id,
      name: found.name,
      columns: [...found.columns],
      key: found.key.length === 0 ? null : [...found.key],
      estimatedRows: found.estimatedRows,
      discoveredAt: input.at,
      notes: notesWithout(found.notes, hashedAmong(found.columns, before?.hashed ?? [])),
    };
    if (before !== undefined)
      return withProposal({ ...before, ...facts }, input.readers, { at: input.at, by: 'discovery' });
    const destination = freeDestination(input.source.name, found.name, id, taken);
    taken.add(destination);
    return {
      ...facts,
      // A view may be a report over the very tables beside it: loaded only when somebody asks for it.
      enabled: found.kind !== 'view' && found.kind !== 'foreign',
      mode: 'replace',
      cursor: null,
      excluded: [],
      mergeKey: null,
      startFrom: null,
      filter: null,
      rowLimit: null,
      hashed: [],
      misfits: [],
      sweepHours: 24,
      deletes: 'keep',
      deleteLimit: 0.5,
      destination,
      drift: 'propagate',
      loaded: null,
      proposal: null,
      next: null,
      versions: 1,
      former: [],
      rejectLimit: REJECT_LIMIT,
      updatedAt: null,
      moved: null,
    };
  });
  const missing = [...known.values()];
  return {
    tables: [...tables, ...missing.filter((table) => table.enabled)],
    gone: missing.filter((table) => !table.enabled).map((table) => table.id),
  };
}

/** Names in one warehouse dataset must differ; what two names share after slugging gets the table's id. */
function freeDestination(source: string, table: string, id: string, taken: ReadonlySet<string>): string {
  const name = destinationName(source, table);
  return taken.has(name) || name === 't_' ? `${name.slice(0, 180)}_${id}` : name;
}
