/** Reading in tests with columns whose misfits cost no row. */
import { makeTableWriter } from '#columnar/table-writer';
import type { Reject, SourceSession, Unit } from '#connectors/connector';
import type { Column } from '#core/column';
import { asTexts, type MisfitColumn } from '#core/misfit-policy';
import { lenientWriter } from '../../functions/etl/misfits.ts';
import { makeMemorySink, readWithDuckDb } from './parquet.ts';

/** The rows of `units` as DuckDB shows them as text, what was left out, and what came in the place of misfits, counted. */
export async function extractLenient(
  session: SourceSession,
  units: readonly Unit[],
  columns: readonly Column[],
  misfits: readonly MisfitColumn[],
) {
  const sink = makeMemorySink();
  const plain = makeTableWriter(asTexts(columns, misfits), sink);
  const { writer, counts } = lenientWriter(plain, columns, misfits);
  const rejects: Reject[] = [];
  const request = { columns, writer, reject: (one: Reject) => void rejects.push(one) };
  for (const unit of units) await session.extract({ ...request, unit, signal: new AbortController().signal });
  await writer.close();
  const rows = await readWithDuckDb(sink.bytes(), 'SELECT COLUMNS(*)::VARCHAR FROM $file');
  return { rows, rejects, counts: { ...counts } };
}

/** Reads the columns `id`, `a` and `b` of `table`: in place of misfits of `a` null or their text, of those of `b` null. */
export async function lenientReader(session: SourceSession, table: string) {
  await session.openSnapshot();
  const { columns } = await session.describe(table);
  const units = await session.planUnits(table, { targetBytes: 1e9 });
  return (a: MisfitColumn['as']) =>
    extractLenient(session, units, columns, [
      { column: 'a', as: a },
      { column: 'b', as: 'null' },
    ]);
}
