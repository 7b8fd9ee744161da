import { setImmediate } from 'node:timers/promises';
import type { Field } from '#cloud/bigquery';
import type { Files } from '#cloud/storage';
import { makeTableWriter, type ColumnBuilder, type TableWriter } from '#columnar/table-writer';
import { datasetNames } from '#core/model';
import { signalsFile } from '#core/training-result';
import { SHARED_COLUMNS, SIGNAL_TABLES, type Cell, type SignalSource } from '#recommender/signals/tables';
import type { StageContext } from './run-context.ts';
import { runPhases } from './warehouse-jobs.ts';

/** The fields of a signals table in the warehouse. */
function fieldsOf(table: (typeof SIGNAL_TABLES)[number]): Field[] {
  return [...SHARED_COLUMNS, ...table.columns].map(({ name, type }) => ({ name, type }));
}

/** Milliseconds of work after which the event loop gets its turn. */
const TURN_MS = 8;

/**
 * Writes each table as one Parquet file beside the attempt's others, row by row: nothing is held but pages. Written twice,
 * the same bytes. Lets the event loop breathe; an abort ends it with the signal's reason.
 * @returns the names of the tables
 */
export async function writeSignalTables(
  files: Files,
  folder: string,
  { version, source }: { readonly version: string; readonly source: SignalSource },
  signal?: AbortSignal,
): Promise<string[]> {
  for (const table of SIGNAL_TABLES) {
    const sink = files.openWriter(signalsFile(folder, table.name), 'application/octet-stream');
    try {
      const columns = fieldsOf(table).map(({ name, type }) => ({
        name,
        type,
        nullable: true,
        sourceType: '',
      }));
      const writer = makeTableWriter(columns, sink);
      const shared = [version, source.signals.history.asOf * 86_400_000];
      let until = performance.now() + TURN_MS;
      for (const row of table.rows(source)) {
        if (row !== null) append(writer, [...shared, ...row]);
        if (writer.full) await writer.drain();
        if (performance.now() < until) continue;
        await setImmediate();
        signal?.throwIfAborted();
        until = performance.now() + TURN_MS;
      }
      await writer.close();
      await sink.close();
    } catch (error) {
      sink.abort();
      throw error;
    }
  }
  return SIGNAL_TABLES.map(({ name }) => name);
}

function append(writer: TableWriter, row: readonly Cell[]): void {
  row.forEach((cell, n) => {
    const builder = writer.builders[n];
    if (builder !== undefined) put(builder, writer.columns[n]?.type === 'TIMESTAMP', cell);
  });
  writer.endRow();
}

function put(builder: ColumnBuilder, isMoment: boolean, cell: Cell): void {
  if (cell === null || (typeof cell === 'number' && !Number.isFinite(cell))) builder.appendNull();
  else if (typeof cell === 'string') {
    if (builder.kind === 'bytes') builder.appendText(cell);
  } else if (builder.kind === 'integer') builder.appendNumber(isMoment ? Math.round(cell) * 1000 : cell);
  else if (builder.kind === 'float' || builder.kind === 'date') builder.append(cell);
}

/**
 * Loads the tables that the trainer wrote into the model's features, each replacing what was there: one free job a table,
 * whose id follows from the run and attempt, so that asked again it is the same job. What a person reads in reports must not
 * keep a version from being made: where a load fails, the log says so and the former rows stay, which name their version.
 * @returns false where a job still runs
 */
export async function loadSignalTables(
  context: StageContext,
  folder: string,
  names: readonly string[],
): Promise<boolean> {
  if (names.length === 0) return true;
  const { ids, tenant, attempt, warehouse, deadline, signal, store } = context;
  const { features } = datasetNames(tenant.cloud, ids.tenant, ids.model);
  const jobs = SIGNAL_TABLES.filter(({ name }) => names.includes(name)).map((table) => {
    const id = `tw-${ids.run}-${table.name.replaceAll('_', '-')}-${attempt}`;
    const into = { dataset: features, table: table.name };
    return {
      id,
      start: () => warehouse.startLoad(id, into, [signalsFile(folder, table.name)], fieldsOf(table)),
    };
  });
  const outcome = await runPhases(warehouse, [jobs], { deadline, signal, clock: store.clock });
  if (outcome?.state === 'running') return false;
  if (outcome !== null && 'failure' in outcome)
    context.log.warn('signals were not written to the warehouse', { error: outcome.failure.message });
  return true;
}
