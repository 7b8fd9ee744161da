/** A load of the first rows of tables that writes nothing: the real decoders, into memory, and what they leave out. */
import { makeTableWriter } from '#columnar/table-writer';
import type { Reject, SourceSession } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import type { SampledTable } from '#core/sampled-table';
import { TerminalError, toFailure, TransientError } from '#core/errors';
import { hashedAmong } from '#core/hashed-column';
import { inLanes } from '#core/in-lanes';
import { asTexts } from '#core/misfit-policy';
import type { Source, SourceTable } from '#core/source';
import { loadedColumns } from '#core/warehouse-name';
import type { Config } from '#runtime/config';
import { mustBeActive } from '#store/model-access';
import { accessOf, type ModelKey, sourceContext } from '#store/source-access';
import type { Store } from '#store/store';
import { lostColumns } from './drift.ts';
import { hidingRejects, withoutQuotes } from './hashing.ts';
import { lenientWriter } from './misfits.ts';
import { readSample } from './sample-rows.ts';
import { chosenRows } from './table-choice.ts';
import { type Choice, chooseTables, sourceTables } from './tables.ts';

/** A request ends after 30 seconds. */
const LIMIT_SECONDS = 22;
/** Tables looked at, and sources together. */
const MOST_TABLES = 20;
const LANES = 3;
/** Rejects shown of a table; all are counted. */
const SHOWN_REJECTS = 20;
/** Output of one table that is kept in memory at most. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * What a load would make of the first `rows` rows of each table of `choice`. Nothing is written anywhere, and no run is
 * made. One table that fails says so and keeps no other.
 * @throws TerminalError `model-archived`, `not-found`, and what chooseTables does
 */
export async function dryRun(
  store: Store,
  config: Config,
  key: ModelKey,
  choice: Choice & { readonly rows: number },
): Promise<{ tables: SampledTable[] }> {
  await mustBeActive(store, key.tenant, key.model);
  const all = await sourceTables(store, key);
  const chosen = chooseTables(all, choice).slice(0, MOST_TABLES);
  const signal = AbortSignal.timeout(LIMIT_SECONDS * 1000);
  const found = new Map<string, SampledTable>();
  const waiting = all.filter(({ source }) => chosen.some((table) => table.source === source.id));
  await inLanes(waiting, LANES, async ({ source }) => {
    const own = chosen.filter((table) => table.source === source.id);
    for (const one of await sampleSource(store, config, key, source, own, choice.rows, signal))
      found.set(one.table, one);
  });
  return { tables: chosen.flatMap(({ id }) => found.get(id) ?? []) };
}

async function sampleSource(
  store: Store,
  config: Config,
  key: ModelKey,
  source: Source,
  tables: readonly SourceTable[],
  rows: number,
  signal: AbortSignal,
): Promise<SampledTable[]> {
  let session: SourceSession | undefined;
  const done: SampledTable[] = [];
  try {
    const access = await accessOf(store, config, key, source);
    const context = await sourceContext(store, config, key);
    const connect = () => connectors[source.settings.kind].connect(access, context, signal);
    for (const table of tables) {
      try {
        session ??= await connect();
        await session.openSnapshot();
        done.push(await sampleTable(session, table, rows, store.clock(), signal));
      } catch (thrown) {
        const error = table.hashed.length > 0 ? withoutQuotes(thrown, table.name) : thrown;
        done.push({ ...nothingOf(table), failure: { ...whyNot(source, signal, error) } });
        // A session in the middle of a failed read is of no further use.
        await session?.close();
        session = undefined;
      }
    }
    return done;
  } catch (error) {
    return tables.map((table) => ({ ...nothingOf(table), failure: { ...whyNot(source, signal, error) } }));
  } finally {
    await session?.close();
  }
}

async function sampleTable(
  session: SourceSession,
  table: SourceTable,
  limit: number,
  asOf: number,
  signal: AbortSignal,
): Promise<SampledTable> {
  const described = await session.describe(table.name);
  const lost = lostColumns({ ...table, columns: [...described.columns] });
  if (lost !== null) throw lost;
  const loaded = loadedColumns(described.columns, table.excluded);
  const columns = loaded.map(({ column }) => column);
  const arriving = asTexts(columns, table.misfits);
  const copied = (await session.planTransfer?.(table.name, columns, {})) ?? null;
  if (copied !== null) throw notSampled(table.name);
  const filter = chosenRows(table, described.columns, asOf);
  const chunks: Uint8Array[] = [];
  let kept = 0;
  const writer = makeTableWriter(
    loaded.map(({ name }, index) => ({ ...arriving[index]!, name })),
    {
      async write(chunk) {
        kept += chunk.length;
        if (kept > MOST_BYTES)
          throw new TerminalError(
            'row-too-big',
            `The first rows of "${table.name}" are larger than is shown.`,
            {
              remedy: 'Ask for fewer rows, or leave large columns out.',
            },
          );
        chunks.push(chunk.slice());
      },
    },
    { pageRows: 100 },
  );
  const lenient = table.misfits.length === 0 ? writer : lenientWriter(writer, columns, table.misfits).writer;
  const shown = hidingRejects({ values: table.hashed.length > 0, lines: table.excluded.length > 0 });
  const rejected: Record<string, number> = {};
  const rejects: Reject[] = [];
  const units = await session.planUnits(table.name, { targetBytes: 2 ** 20, limit });
  for (const unit of units) {
    // What does not fit counts as looked at: a table of nothing but misfits must have an end, too.
    const left = limit - writer.rows - rejects.length;
    if (left <= 0) break;
    await session.extract({
      unit,
      columns,
      writer: lenient,
      reject(reject) {
        rejected[reject.reason] = (rejected[reject.reason] ?? 0) + 1;
        if (rejects.length < SHOWN_REJECTS) rejects.push(shown(reject));
      },
      ...(filter === null ? {} : { filter }),
      limit: left,
      signal,
    });
  }
  await writer.close();
  const hidden = new Set(hashedAmong(described.columns, table.hashed).map(({ column }) => column));
  const hashed = new Set(loaded.filter(({ column }) => hidden.has(column.name)).map(({ name }) => name));
  const names = loaded.map(({ name }) => name);
  return {
    ...nothingOf(table),
    columns: loaded.map(({ column, name }, index) => ({
      name,
      type: hashed.has(name) ? 'STRING' : arriving[index]!.type,
      sourceType: column.sourceType,
      hashed: hashed.has(name),
    })),
    rows: writer.rows,
    rejected,
    rejects: rejects.map(({ line, column, reason, message, value }) => ({
      line,
      column,
      reason,
      message,
      value,
    })),
    preview:
      writer.rows === 0
        ? []
        : (await readSample(new Uint8Array(Buffer.concat(chunks)), names, hashed)).slice(0, limit),
  };
}

function notSampled(name: string): TerminalError {
  return new TerminalError(
    'copy-not-sampled',
    `"${name}" is copied by the warehouse as it is: no rows of it are looked at before.`,
    { remedy: 'Set a key for the source, or load the table with a row limit.' },
  );
}

function nothingOf(table: SourceTable): SampledTable {
  return {
    table: table.id,
    name: table.name,
    columns: [],
    rows: 0,
    rejected: {},
    rejects: [],
    preview: [],
    failure: null,
  };
}

function whyNot(source: Source, signal: AbortSignal, error: unknown) {
  if (!signal.aborted) return toFailure(error);
  return toFailure(
    new TransientError('preflight-slow', `"${source.name}" did not answer within ${LIMIT_SECONDS} seconds.`, {
      remedy: 'Test its connection, or look at fewer tables at a time.',
    }),
  );
}
