import type { Write } from '#cloud/firestore';
import { CONNECTION_FAILURES, SOURCE_BUSY, type SourceSession, type Unit } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { TerminalError, toFailure } from '#core/errors';
import { EtlTable, etlCycle } from '#core/etl-run';
import { keyProblem, mergeKeyOf } from '#core/merge-key';
import { paths } from '#core/paths';
import { Source, SourceTable } from '#core/source';
import { loadedColumns } from '#core/warehouse-name';
import { mustRead, read, readAll, transition } from '#store/document';
import { commitFenced, type Lease } from '#store/lease';
import { withRetries } from './pause.ts';
import { cursorOf, type LastPublished, noColumns, planAfter, planRead } from './plan.ts';
import { lastPublishedQuery } from './publish-sql.ts';
import { Epoch, TablePlan, unitId, type UnitRecord } from './records.ts';
import { runPath, tablePath } from './run-key.ts';
import type { Scope } from './scope.ts';
import { openSession } from './sessions.ts';
import { failTable } from './tables.ts';
import type { OwnUnits } from './extract-units.ts';
import { type ClaimedUnit, epochPath } from './units.ts';

/** Source bytes of one unit: small enough to be read again, large enough for good files. */
const UNIT_BYTES = 128 * 1024 * 1024;

/** An epoch that tasks may work in while it is open: its snapshots end with it. */
export interface OpenEpoch {
  readonly epoch: Epoch;
  readonly plans: readonly TablePlan[];
  /** What the other tasks cannot read: of sources whose snapshots belong to one session. */
  readonly own: OwnUnits;
  close(): Promise<void>;
}

/** What becomes of the tables of a source that does not answer: they fail, or are left for the next epoch. */
export type Patience = 'fail' | 'leave';

interface Planned {
  readonly plan: TablePlan;
  readonly units: readonly Unit[];
}

/**
 * Fixes the moment that is read of every source, plans `tables` and writes their units. Tables that cannot be planned
 * fail here; the others go on. What is written becomes visible to the other tasks last, with the epoch itself.
 */
export async function openEpoch(
  scope: Scope,
  lease: Lease,
  tables: readonly EtlTable[],
  patience: Patience,
): Promise<OpenEpoch> {
  const number = await nextNumber(scope);
  const last = await lastPublished(scope, tables);
  const sessions: SourceSession[] = [];
  const snapshots: Record<string, string> = {};
  const alone = new Map<string, SourceSession>();
  const planned: Planned[] = [];
  const close = async () => {
    for (const session of sessions) await session.close();
  };
  try {
    for (const source of new Set(tables.map((table) => table.source))) {
      const own = tables.filter((table) => table.source === source);
      const opened = await openSource(scope, source, own, { epoch: number, last, patience });
      if (opened === null) continue;
      sessions.push(opened.session);
      if (await isShared(scope, source)) snapshots[source] = opened.token;
      else alone.set(source, opened.session);
      planned.push(...opened.planned);
    }
    const epoch: Epoch = { number, snapshots };
    const queue = await writePlans(scope, lease, planned, epoch, alone);
    return { epoch, plans: planned.map(({ plan }) => plan), own: { sessions: alone, queue }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A number that no unit has: the epoch itself is written last, so a predecessor that died before may have left plans
 * and units of a later one. A plan is never written after its units.
 */
async function nextNumber(scope: Scope): Promise<number> {
  const epoch = await read(scope.store, epochPath(scope), Epoch);
  const plans = await readAll(scope.store, paths.etlPlans(scope.path), TablePlan);
  return Math.max(epoch?.value.number ?? 0, ...plans.map((plan) => plan.epoch)) + 1;
}

/** Opens one source and plans its tables; null where that fails, and with it all of its tables (or they wait). */
async function openSource(
  scope: Scope,
  source: string,
  tables: readonly EtlTable[],
  {
    epoch,
    last,
    patience,
  }: {
    readonly epoch: number;
    readonly last: ReadonlyMap<string, LastPublished>;
    readonly patience: Patience;
  },
): Promise<{ session: SourceSession; token: string; planned: Planned[] } | null> {
  const told = (error: Error, attempt: number) =>
    scope.log.warn('a source could not be opened and is tried again', {
      source,
      attempt,
      error: error.message,
    });
  try {
    return await withRetries(scope.signal, told, async () => {
      const session = await openSession(scope, source);
      try {
        const { token } = await session.openSnapshot();
        const planned = await planSource(scope, session, tables, epoch, last);
        return { session, token, planned };
      } catch (error) {
        await session.close();
        throw error;
      }
    });
  } catch (error) {
    scope.signal.throwIfAborted();
    const failure = toFailure(error);
    if (patience === 'leave' && [...CONNECTION_FAILURES, SOURCE_BUSY].includes(failure.code)) {
      scope.log.warn('a source does not answer; its tables wait', { source, error: failure.message });
      return null;
    }
    scope.log.error('a source cannot be read', { source, code: failure.code, error: failure.message });
    for (const table of tables) await failTable(scope.store, scope.key, table.id, failure);
    return null;
  }
}

/** Plans the tables one after the other: a session does one thing at a time. */
async function planSource(
  scope: Scope,
  session: SourceSession,
  tables: readonly EtlTable[],
  epoch: number,
  last: ReadonlyMap<string, LastPublished>,
): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const table of tables) {
    scope.signal.throwIfAborted();
    await transition(scope.store, tablePath(scope.key, table.id), EtlTable, etlCycle, 'plan');
    try {
      planned.push(await planTable(scope, session, table, epoch, last.get(table.destination) ?? null));
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      scope.log.error('a table cannot be read', {
        table: table.name,
        code: error.code,
        error: error.message,
      });
      await failTable(scope.store, scope.key, table.id, toFailure(error));
    }
  }
  return planned;
}

async function planTable(
  scope: Scope,
  session: SourceSession,
  table: EtlTable,
  epoch: number,
  last: LastPublished | null,
): Promise<Planned> {
  const { tenant, model } = scope.key;
  const sourcePath = paths.source(tenant, model, table.source);
  const source = (await mustRead(scope.store, sourcePath, Source, 'source')).value;
  const chosenPath = paths.sourceTable(tenant, model, table.source, table.id);
  const chosen = (await mustRead(scope.store, chosenPath, SourceTable, 'table')).value;
  const described = await session.describe(table.name);
  const loaded = loadedColumns(described.columns, chosen.excluded);
  const columns = loaded.map(({ column }) => column);
  const empty = noColumns(table.name, described.columns, columns);
  if (empty !== null) throw new TerminalError(empty.code, empty.message, { remedy: empty.remedy });
  const key = chosen.mode === 'merge' ? mergeKeyOf(chosen) : [];
  const unkeyed = chosen.mode === 'merge' ? keyProblem(table.name, key, columns) : null;
  if (unkeyed !== null) throw new TerminalError(unkeyed.code, unkeyed.message, { remedy: unkeyed.remedy });
  const cursor = cursorOf(chosen, connectors[source.settings.kind].capabilities.ownCursor);
  const ended = planAfter(cursor, last);
  const after = ended !== null && (await isThere(scope, table.destination)) ? ended : null;
  const ranged = cursor !== null && cursor.column !== null;
  const bound = ranged ? await session.safeUpperBound(table.name, chosen.cursor, after) : null;
  if (bound?.note) scope.log.warn(bound.note, { table: table.name });
  const plan = planRead(chosen, cursor, after, bound);
  const options = { targetBytes: UNIT_BYTES, ...(plan.range === null ? {} : { range: plan.range }) };
  const units = plan.nothing ? [] : await session.planUnits(table.name, options);
  scope.log.info('table planned', { table: table.name, units: units.length, write: plan.write });
  return {
    units,
    plan: {
      id: table.id,
      source: table.source,
      name: table.name,
      destination: table.destination,
      epoch,
      units: units.length,
      extracted: false,
      columns: columns.map((column) => ({ ...column })),
      names: loaded.map(({ name }) => name),
      write: plan.write,
      key: [...key],
      deletes: chosen.deletes,
      deleteLimit: chosen.deleteLimit,
      nothing: plan.nothing,
      lastRun: last?.run ?? '',
      cursor: plan.cursor,
      watermark: plan.watermark,
      rejectLimit: chosen.rejectLimit,
    },
  };
}

/** Whether the raw table is there: where somebody has removed it, the ledger's watermark is of rows that are gone. */
async function isThere({ warehouse, dataset }: Scope, destination: string): Promise<boolean> {
  return (await warehouse.describe({ dataset, table: destination })) !== null;
}

/** Whether the other tasks can read a snapshot of the source, too. */
async function isShared({ store, key }: Scope, source: string): Promise<boolean> {
  const path = paths.source(key.tenant, key.model, source);
  const { settings } = (await mustRead(store, path, Source, 'source')).value;
  return connectors[settings.kind].capabilities.sharedSnapshot;
}

/**
 * In batches under the lease: a coordinator that has been succeeded writes nothing more. Units of the sources in `alone`
 * are reserved for this task from the beginning, and answered.
 */
async function writePlans(
  scope: Scope,
  lease: Lease,
  planned: readonly Planned[],
  epoch: Epoch,
  alone: ReadonlyMap<string, SourceSession>,
): Promise<ClaimedUnit[]> {
  const { tenant, model, run } = scope.key;
  const reserved: ClaimedUnit[] = [];
  const writes = planned.flatMap(({ plan, units }, tableIndex): Write[] => [
    { kind: 'set', path: paths.etlPlan(runPath(scope.key), plan.id), data: plan },
    ...units.map((unit, number): Write => {
      const path = paths.etlUnit(tenant, model, run, unitId(epoch.number, tableIndex, number));
      const free = newUnit(plan, unit, number);
      if (!alone.has(plan.source)) return { kind: 'set', path, data: free };
      const record: UnitRecord = { ...free, status: 'reserved', holder: scope.holder, attempts: 1 };
      reserved.push({ path, record });
      return { kind: 'set', path, data: record };
    }),
  ]);
  for (let at = 0; at < writes.length; at += 200)
    await commitFenced(scope.store, lease, writes.slice(at, at + 200));
  for (const { plan } of planned)
    await transition(scope.store, tablePath(scope.key, plan.id), EtlTable, etlCycle, 'extract');
  await commitFenced(scope.store, lease, [{ kind: 'set', path: epochPath(scope), data: epoch }]);
  return reserved;
}

function newUnit(plan: TablePlan, unit: Unit, number: number): UnitRecord {
  return {
    epoch: plan.epoch,
    table: plan.id,
    source: plan.source,
    number,
    unit: { ...unit, part: { ...unit.part } },
    status: 'pending',
    holder: null,
    expiresAt: 0,
    attempts: 0,
    notBefore: 0,
    settled: null,
    uri: null,
    rejectsUri: null,
    tally: null,
    rejected: {},
    failure: null,
  };
}

async function lastPublished(
  { warehouse, dataset }: Scope,
  tables: readonly EtlTable[],
): Promise<Map<string, LastPublished>> {
  const rows = await warehouse.query(lastPublishedQuery(dataset), {
    tables: tables.map((table) => table.destination),
  });
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return new Map(
    rows.map((row) => [
      String(row['table_name']),
      { run: String(row['run']), cursor: text(row['cursor_column']), watermark: text(row['watermark']) },
    ]),
  );
}
