import type { Write } from '#cloud/firestore';
import { CONNECTION_FAILURES, SOURCE_BUSY, type SourceSession, type Unit } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { TerminalError, toFailure } from '#core/errors';
import { EtlTable, etlCycle } from '#core/etl-run';
import { paths } from '#core/paths';
import type { Source } from '#core/source';
import { read, readAll, transition } from '#store/document';
import { now } from '#store/store';
import { commitFenced, type Lease } from '#store/lease';
import { withRetries } from './pause.ts';
import type { Patience } from './epochs.ts';
import { formerLoads } from './estimate.ts';
import { type Before, lastPublished, type Planned, planTable } from './plan-table.ts';
import { Epoch, TablePlan, unitId, type UnitRecord } from './records.ts';
import { runPath, tablePath } from './run-key.ts';
import type { Scope } from './scope.ts';
import { openSession, readSource } from './sessions.ts';
import { failTable } from './tables.ts';
import type { OwnUnits } from './extract-units.ts';
import { type ClaimedUnit, epochPath } from './units.ts';

/** An epoch that tasks may work in while it is open: its snapshots end with it. */
export interface OpenEpoch {
  readonly epoch: Epoch;
  readonly plans: readonly TablePlan[];
  /** What the other tasks cannot read: of sources whose snapshots belong to one session. */
  readonly own: OwnUnits;
  close(): Promise<void>;
}

/**
 * Fixes the moment that is read of every source, plans `tables` and writes their units. Tables that cannot be planned
 * fail here; the others go on. What is written becomes visible to the other tasks last, with the epoch itself.
 */
export async function openEpoch(
  scope: Scope,
  lease: Lease,
  tables: readonly EtlTable[],
  patienceWith: (source: string) => Patience,
): Promise<OpenEpoch> {
  const number = await nextNumber(scope);
  const before: Before = {
    published: await lastPublished(scope, tables),
    former: await formerLoads(scope.store, scope.key),
  };
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
      const opened = await openSource(scope, source, own, {
        epoch: number,
        before,
        patience: patienceWith(source),
      });
      if (opened === null) continue;
      sessions.push(opened.session);
      if (opened.shared) snapshots[source] = opened.token;
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

interface OpenSource {
  readonly session: SourceSession;
  /** Whether the other tasks can read its snapshot, too. */
  readonly shared: boolean;
  readonly token: string;
  readonly planned: readonly Planned[];
}

/** Opens one source and plans its tables; null where that fails, and with it all of its tables (or they wait). */
async function openSource(
  scope: Scope,
  source: string,
  tables: readonly EtlTable[],
  {
    epoch,
    before,
    patience,
  }: {
    readonly epoch: number;
    readonly before: Before;
    readonly patience: Patience;
  },
): Promise<OpenSource | null> {
  const told = (error: Error, attempt: number) =>
    scope.log.warn('a source could not be opened and is tried again', {
      source,
      attempt,
      error: error.message,
    });
  try {
    return await withRetries(scope.signal, told, async () => {
      // Read once: what is planned is about the place that is connected to, whatever is changed meanwhile.
      const from = await readSource(scope, source);
      const session = await openSession(scope, from, await scope.uses.wait(from, scope.signal));
      try {
        await scope.lag.ready(from, session, scope.signal);
        const { token } = await session.openSnapshot();
        const planned = await planSource(scope, session, from, tables, epoch, before);
        const shared = connectors[from.settings.kind].capabilities.sharedSnapshot;
        return { session, shared, token, planned };
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
  source: Source,
  tables: readonly EtlTable[],
  epoch: number,
  before: Before,
): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const table of tables) {
    scope.signal.throwIfAborted();
    await transition(scope.store, tablePath(scope.key, table.id), EtlTable, etlCycle, 'plan', {
      patch: ({ marks }) => ({ marks: { ...marks, planning: now(scope.store) } }),
    });
    try {
      planned.push(await planTable(scope, session, source, table, epoch, before));
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
  const writes = planned.flatMap(({ plan, units, keyUnits }, tableIndex): Write[] => [
    { kind: 'set', path: paths.etlPlan(runPath(scope.key), plan.id), data: plan },
    ...[...units, ...keyUnits].map((unit, number): Write => {
      const path = paths.etlUnit(tenant, model, run, unitId(epoch.number, tableIndex, number));
      const free = newUnit(plan, unit, number, number >= units.length);
      if (!alone.has(plan.source)) return { kind: 'set', path, data: free };
      const record: UnitRecord = { ...free, status: 'reserved', holder: scope.holder, attempts: 1 };
      reserved.push({ path, record });
      return { kind: 'set', path, data: record };
    }),
  ]);
  for (let at = 0; at < writes.length; at += 200)
    await commitFenced(scope.store, lease, writes.slice(at, at + 200));
  for (const { plan } of planned)
    await transition(scope.store, tablePath(scope.key, plan.id), EtlTable, etlCycle, 'extract', {
      patch: ({ marks }) => ({ marks: { ...marks, extracting: now(scope.store) } }),
    });
  await commitFenced(scope.store, lease, [{ kind: 'set', path: epochPath(scope), data: epoch }]);
  return reserved;
}

function newUnit(plan: TablePlan, unit: Unit, number: number, keysOnly: boolean): UnitRecord {
  const { note: _told, ...kept } = unit;
  return {
    epoch: plan.epoch,
    table: plan.id,
    source: plan.source,
    number,
    unit: { ...kept, part: { ...unit.part } },
    keysOnly,
    status: 'pending',
    holder: null,
    expiresAt: 0,
    attempts: 0,
    notBefore: 0,
    settled: null,
    uri: null,
    asItIs: false,
    refused: null,
    seconds: null,
    rejectsUri: null,
    tally: null,
    rejected: {},
    failure: null,
  };
}
