/** What one run reads of one table, decided from what the source says now, what was chosen, and what was published last. */
import type { SourceSession, Unit, UpperBound } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import type { EtlTable } from '#core/etl-run';
import { asChosen } from '#core/misfit-policy';
import { keyProblem, mergeKeyOf } from '#core/merge-key';
import { paths } from '#core/paths';
import { type Source, SourceTable } from '#core/source';
import { missingOf } from '#core/table-drift';
import { alsoWhere } from '#core/typed-filter';
import { inWarehouse, loadedColumns } from '#core/warehouse-name';
import { mustRead } from '#store/document';
import { type ColumnChange, compareColumns, readColumnSet } from './column-set.ts';
import { admit } from './drift.ts';
import { askAboutPlace, forgetPlace, movedError, planPlace, type PlaceStep } from './moved.ts';
import {
  cursorOf,
  type LastPublished,
  noColumns,
  planAfter,
  planRead,
  type ReadCursor,
  type ReadPlan,
} from './plan.ts';
import { lastPublishedQuery } from './publish-sql.ts';
import type { TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { sweepName } from './sweep-sql.ts';
import { toldOfPlan, whyWritten } from './as-it-is-plan.ts';
import { planUnitBytes } from './unit-bytes.ts';
import { choiceNotes, chosenRows, hashedOf, readFrom, sweepDue } from './table-choice.ts';

/** A table with the units that it is read in. */
export interface Planned {
  readonly plan: TablePlan;
  readonly units: readonly Unit[];
  /** After those: units of which only the key is read. */
  readonly keyUnits: readonly Unit[];
}

/** What is known of former loads. */
export interface Before {
  /** The newest publications, by their names in the ledger. */
  readonly published: ReadonlyMap<string, LastPublished>;
  /** What the newest loads did, by the table's id. */
  readonly former: ReadonlyMap<string, readonly EtlTable[]>;
}

/**
 * Plans `table` in a session that has a snapshot.
 * @param source as it was when the session was opened
 * @throws TerminalError where the table cannot be read as it was chosen, or somebody has to decide first (`place-changed`)
 */
export async function planTable(
  scope: Scope,
  session: SourceSession,
  source: Source,
  table: EtlTable,
  epoch: number,
  { published, former }: Before,
): Promise<Planned> {
  const { tenant, model } = scope.key;
  const { again } = scope;
  const last = published.get(table.destination) ?? null;
  const anew = again !== null && 'anew' in again;
  const chosenPath = paths.sourceTable(tenant, model, table.source, table.id);
  const known = (await mustRead(scope.store, chosenPath, SourceTable, 'table')).value;
  const connector = connectors[source.settings.kind];
  const before = cursorOf(known, connector.capabilities.ownCursor);
  const place = connector.placeOf(source.settings, table.name);
  // Where somebody has removed the raw table, what the ledger says is of rows that are gone.
  const raw = await scope.warehouse.describe({ dataset: scope.dataset, table: table.destination });
  const there = raw === null ? null : last;
  const step = await settlePlace(scope, known, before, there, place);

  const described = await session.describe(table.name);
  const chosen = await admit(scope, table, known, described, raw);
  const cursor = cursorOf(chosen, connector.capabilities.ownCursor);
  const after = step === 'other' || anew ? null : planAfter(cursor, there);
  const loaded = loadedColumns(described.columns, chosen.excluded);
  const columns = loaded.map(({ column }) => column);
  const empty = noColumns(table.name, described.columns, columns);
  if (empty !== null) throw new TerminalError(empty.code, empty.message, { remedy: empty.remedy });
  const key = chosen.mode === 'merge' ? mergeKeyOf(chosen) : [];
  const hashed = hashedOf(chosen, described.columns, columns);
  const misfits = chosen.misfits.filter(({ column }) => columns.some(({ name }) => name === column));
  const unkeyed =
    chosen.mode === 'merge' ? keyProblem(table.name, key, asChosen(columns, { hashed, misfits })) : null;
  if (unkeyed !== null) throw new TerminalError(unkeyed.code, unkeyed.message, { remedy: unkeyed.remedy });

  const names = loaded.map(({ name }) => name);
  const change = compareColumns({
    mode: chosen.mode,
    names,
    excluded: namesOf(described.columns).filter((name) => !names.includes(name)),
    last: after === null ? null : readColumnSet(there?.columns ?? null),
    raw: after === null ? null : (raw?.fields ?? []).map(({ name }) => name),
    known: namesOf(known.columns),
  });
  const ranged = cursor !== null && cursor.column !== null;
  const bound = ranged ? await session.safeUpperBound(table.name, chosen.cursor, after) : null;
  if (bound?.note) scope.log.warn(bound.note, { table: table.name });
  const usual = planRead(chosen, cursor, after, bound, change.fresh.length > 0);
  const asOf = Date.parse(scope.createdAt);
  const rows = chosenRows(chosen, described.columns, asOf);
  const from = readFrom(chosen, again, described.columns, usual, after, asOf);
  const plan = from?.plan ?? usual;
  const filter = from === null ? rows : alsoWhere(rows, from.filter);
  const limit = chosen.rowLimit;
  const transfer = plan.nothing
    ? null
    : ((await session.planTransfer?.(table.name, columns, {
        range: plan.range,
        ...(cursor?.column ? { cursor: cursor.column } : {}),
        ...(filter === null ? {} : { filter }),
        ...(limit === null ? {} : { limit }),
      })) ?? null);
  if (transfer !== null && hashed.length > 0) throw notHashed(table.name);
  if (transfer !== null && misfits.some(({ as }) => as === 'text')) throw notAsText(table.name);
  const lately = former.get(table.id) ?? [];
  const targetBytes = planUnitBytes(lately, {
    usual: scope.tuning.unitBytes,
    tableBytes: described.estimatedBytes,
    tasks: scope.tasks,
  });
  const written =
    connector.capabilities.asItIs === true
      ? whyWritten({
          filter,
          limit,
          hashed: chosen.hashed,
          misfits,
          described: described.columns,
          loaded,
          former: lately,
        })
      : null;
  const cutBy = mergeKeyOf(chosen)[0] ?? chosen.cursor;
  const loadable = connector.capabilities.asItIs === true && written === null;
  const units =
    plan.nothing || transfer !== null
      ? []
      : await session.planUnits(table.name, {
          targetBytes,
          tasks: scope.tasks,
          ...(plan.range === null ? {} : { range: plan.range }),
          ...(limit === null ? {} : { limit }),
          ...(loadable ? { loadable: columns } : {}),
          ...(cutBy === null ? {} : { key: cutBy }),
        });
  const swept = published.get(sweepName(table.destination))?.at ?? null;
  // With one more condition the keys would not be those of all rows.
  const due = from === null && sweepDue(chosen, cursor, plan, after !== null, swept, scope.store.clock());
  // Keys alone are extracted, which the warehouse does of no table that it takes itself.
  const copied = due && ((await session.planTransfer?.(table.name, columns, {})) ?? null) !== null;
  const sweeps = due && !copied;
  const keyUnits = sweeps ? await session.planUnits(table.name, { targetBytes }) : [];
  scope.log.info('table planned', {
    table: table.name,
    ...(transfer === null ? { units: units.length } : { copied: true }),
    ...(targetBytes === scope.tuning.unitBytes ? {} : { unitBytes: targetBytes }),
    ...toldOfPlan(units, written),
    ...(units[0]?.note === undefined ? {} : { note: units[0].note }),
    ...(sweeps ? { keyUnits: keyUnits.length } : {}),
    write: plan.write,
  });
  const begins = plan.write === 'replace';
  return {
    units,
    keyUnits,
    plan: {
      id: table.id,
      source: table.source,
      name: table.name,
      destination: table.destination,
      epoch,
      units: units.length + keyUnits.length,
      extracted: false,
      columns: columns.map((column) => ({ ...column })),
      names,
      sourceKey: chosen.key,
      excluded: [...chosen.excluded],
      absent: missingOf(described.columns, chosen),
      write: plan.write,
      key: [...key],
      deletes: chosen.deletes,
      deleteLimit: chosen.deleteLimit,
      marks: sweeps ? 'keys' : cursor !== null && cursor.column === null ? 'rows' : 'none',
      filter,
      limit,
      hashed,
      hides: chosen.hashed.length > 0,
      replaced: from?.replaced ?? null,
      // Without rows, too, the ledger has to know of the new place, and a column that was left out is to be emptied.
      nothing: plan.nothing && step === null && change.cleared.length === 0 && !sweeps,
      lastRun: last?.run ?? '',
      cursor: plan.cursor,
      watermark: plan.watermark,
      rejectLimit: chosen.rejectLimit,
      misfits,
      written,
      transfer: transfer === null ? null : { ...transfer, expressions: [...transfer.expressions] },
      place,
      unsettled: plan.unsettled,
      columnSet: JSON.stringify(begins ? { loaded: names, gone: [], cleared: [] } : change.next),
      gone: begins ? [] : change.gone,
      cleared: begins ? [] : change.cleared,
      notes: [...notesOf(usual, bound, change, there, place, step), ...choiceNotes(chosen, from, copied)],
    },
  };
}

/** What the warehouse copies itself has not passed through us: the values would lie in it as they are. */
function notHashed(name: string): TerminalError {
  return new TerminalError(
    'hashed-not-copied',
    `"${name}" has columns of which only hashes are to arrive, and is copied by the warehouse as it is.`,
    { remedy: 'Set a key for the source, so that its rows are read one by one, or leave these columns out.' },
  );
}

function notAsText(name: string): TerminalError {
  return new TerminalError(
    'misfits-not-possible',
    `"${name}" has columns that are to arrive as text, and is copied by the warehouse as it is.`,
    { remedy: 'A copy has no misfits: choose nothing for these columns, or set a key for the source.' },
  );
}

function namesOf(columns: readonly Column[]): string[] {
  return inWarehouse(columns).map(({ name }) => name);
}

/** What is to be done of the table's place. @throws TerminalError `place-changed` where somebody has to decide first */
async function settlePlace(
  scope: Scope,
  table: SourceTable,
  cursor: ReadCursor | null,
  last: LastPublished | null,
  place: string,
): Promise<PlaceStep> {
  const step = planPlace(cursor, last, place, table.moved);
  if (step === null && table.moved !== null) await forgetPlace(scope, table);
  if (step !== 'ask' || last?.place == null) return step;
  await askAboutPlace(scope, table, { from: last.place, to: place, run: last.run });
  throw movedError(table.name, last.place, place, cursor?.column === '');
}

/** What people should know of a load of this plan. */
function notesOf(
  { write, range, watermark }: ReadPlan,
  bound: UpperBound | null,
  { fresh, cleared }: ColumnChange,
  last: LastPublished | null,
  place: string,
  step: PlaceStep,
): string[] {
  const named = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
  const notes = bound?.note ? [bound.note] : [];
  if (step !== null)
    notes.push(
      `Read at ${place} from now on, and at ${last?.place} before: ${step === 'same' ? 'it goes on' : 'it begins anew'}, as was decided.`,
    );
  if (write === 'merge' && range !== null && range.after === null && watermark !== null)
    notes.push(`All rows were read once more, because ${named(fresh)} came to the table.`);
  const back = readColumnSet(last?.columns ?? null)?.gone.filter((name) => fresh.includes(name)) ?? [];
  if (write === 'append' && back.length > 0)
    notes.push(`Rows that were added while ${named(back)} was not loaded have no value in it.`);
  if (cleared.length > 0) notes.push(`${named(cleared)} is left out from now on, and null in every row.`);
  return notes;
}

/** The newest publication of each of `tables`, by destination. */
export async function lastPublished(
  { warehouse, dataset }: Scope,
  tables: readonly EtlTable[],
): Promise<Map<string, LastPublished>> {
  const rows = await warehouse.query(lastPublishedQuery(dataset), {
    tables: tables.flatMap(({ destination }) => [destination, sweepName(destination)]),
  });
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return new Map(
    rows.map((row) => [
      String(row['table_name']),
      {
        run: String(row['run']),
        cursor: text(row['cursor_column']),
        watermark: text(row['watermark']),
        place: text(row['place']),
        columns: text(row['columns']),
        at: Number(row['micros']) / 1000,
      },
    ]),
  );
}
