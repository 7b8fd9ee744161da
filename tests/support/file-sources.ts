/** Reading whole tables of file sources in tests. */
import type { Reject, SourceAccess } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import type { SourceSettings } from '#core/source';
import { extractAll, makeTestContext, type MemoryObjects } from './connectors.ts';
import { readWithDuckDb } from './parquet.ts';

/** What a table of files became. */
export interface ReadTable {
  /** `TYPE` or `TYPE(precision,scale)` by column. */
  readonly types: Readonly<Record<string, string>>;
  /** Rows as DuckDB shows them as text. */
  readonly rows: readonly Record<string, unknown>[];
  readonly rejects: readonly Reject[];
  readonly notes: readonly string[];
}

/** The first table of a source with `settings` over `objects`, extracted and not looked at. */
export async function extractTable(settings: SourceSettings, objects: MemoryObjects, targetBytes = 1e9) {
  const access: SourceAccess = { settings, credentials: null };
  const connector = connectors[settings.kind];
  const session = await connector.connect(access, makeTestContext(objects), new AbortController().signal);
  try {
    await session.openSnapshot();
    const [listed] = await session.listTables();
    const { columns, notes } = await session.describe(listed?.name ?? '');
    const units = await session.planUnits(listed?.name ?? '', { targetBytes });
    return { ...(await extractAll(session, units, columns)), columns, notes };
  } finally {
    await session.close();
  }
}

/** The same, read back. */
export async function readTable(
  settings: SourceSettings,
  objects: MemoryObjects,
  targetBytes?: number,
): Promise<ReadTable> {
  const { files, columns, ...rest } = await extractTable(settings, objects, targetBytes);
  const rows = [];
  for (const file of files)
    rows.push(...(await readWithDuckDb(file, 'SELECT COLUMNS(*)::VARCHAR FROM $file')));
  const types = columns.map(({ name, type, precision, scale }) => [
    name,
    precision === undefined ? type : `${type}(${precision},${scale})`,
  ]);
  return { ...rest, types: Object.fromEntries(types), rows };
}
