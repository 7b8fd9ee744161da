import { CONNECTION_FAILURES, MOMENT_GONE, SOURCE_BUSY, type SourceSession } from '#connectors/connector';
import { type Failure, TerminalError, toError, toFailure } from '#core/errors';
import { paths } from '#core/paths';
import type { Source } from '#core/source';
import { mustRead } from '#store/document';
import type { Meter, Spent } from './caps.ts';
import { pause } from './pause.ts';
import { runPath } from './run-key.ts';
import { readUnit } from './read-unit.ts';
import { type Epoch, TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import type { Progress } from './progress.ts';
import type { Seat } from './source-use.ts';
import { openSession, readSource } from './sessions.ts';
import {
  type ClaimedUnit,
  claimUnit,
  giveBack,
  holding,
  MAX_UNIT_ATTEMPTS,
  nextReserved,
  restSeconds,
  settleDone,
  settleFailed,
  tryAgain,
  type UnitResult,
} from './units.ts';

/** A task waits at most so long before it tries a source that was not to be reached. */
const LONGEST_PAUSE_SECONDS = 8;

/**
 * What of an epoch this task alone can read: sessions that hold a snapshot which no other can import, by their source, and
 * the units reserved for them, in order. Whoever opened the sessions closes them.
 */
export interface OwnUnits {
  readonly sessions: ReadonlyMap<string, SourceSession>;
  readonly queue: ClaimedUnit[];
}

/** One task's part of an epoch: its sessions, each in the epoch's snapshot. */
export interface EpochWorker {
  /** Sources whose units are reserved for this task and cannot be read in this epoch any more, and why. */
  readonly lost: ReadonlyMap<string, Failure>;
  /** Claims a unit and does it; false where none is free. A unit's failure is written to it, not thrown. */
  step(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * A worker for `epoch`. Sessions open when their first unit comes and stay, so that the snapshot is imported once. A unit
 * that takes `meter` over a cap fails; `onDone` hears of each that is done.
 */
export function openEpochWorker(
  scope: Scope,
  epoch: Epoch,
  progress: Progress,
  meter: Pick<Meter, 'over'>,
  onDone: (tally: Spent) => void = () => undefined,
  own: OwnUnits = { sessions: new Map(), queue: [] },
): EpochWorker {
  const lost = new Map<string, Failure>();
  const sessions = new Map<string, SourceSession>();
  const plans = new Map<string, TablePlan>();
  /** Times in a row that a source was not to be reached. */
  let unreachable = 0;

  /** Seats taken for units that are about to be claimed. */
  const seats = new Map<string, Seat>();
  const sources = new Map<string, Source>();

  const sourceOf = async (id: string): Promise<Source> => {
    const source = sources.get(id) ?? (await readSource(scope, id));
    sources.set(id, source);
    return source;
  };
  /** Whether a unit of the source may be claimed: its connection is there, or has a seat now. */
  const admit = async (id: string): Promise<boolean> => {
    if (sessions.has(id) || seats.has(id)) return true;
    const seat = await scope.uses.take(await sourceOf(id));
    if (seat !== null) seats.set(id, seat);
    return seat !== null;
  };
  const leaveSeats = async (): Promise<void> => {
    for (const [id, seat] of Array.from(seats)) {
      seats.delete(id);
      await seat.free();
    }
  };
  const sessionFor = async (source: string): Promise<SourceSession> => {
    const open = own.sessions.get(source) ?? sessions.get(source);
    if (open !== undefined) return open;
    const seat = seats.get(source) ?? (await scope.uses.wait(await sourceOf(source), scope.signal));
    seats.delete(source);
    const session = await openSession(scope, await sourceOf(source), seat);
    try {
      await session.importSnapshot({ token: epoch.snapshots[source] ?? '' });
    } catch (error) {
      await session.close();
      throw error;
    }
    sessions.set(source, session);
    return session;
  };
  const planFor = async (table: string): Promise<TablePlan> => {
    const known = plans.get(table);
    if (known !== undefined) return known;
    const path = paths.etlPlan(runPath(scope.key), table);
    const plan = (await mustRead(scope.store, path, TablePlan, 'table plan')).value;
    plans.set(table, plan);
    return plan;
  };
  const drop = async (source: string): Promise<void> => {
    await sessions.get(source)?.close();
    sessions.delete(source);
  };

  return {
    lost,
    async step() {
      const reserved = await nextReserved(scope, own.queue);
      const unit =
        reserved ?? (await claimUnit(scope, epoch.number, { sources: Object.keys(epoch.snapshots), admit }));
      if (unit === null) {
        await leaveSeats();
        return false;
      }
      const { table, source } = unit.record;
      try {
        const result = await holding(scope, unit, scope.signal, async (signal) => {
          const session = await sessionFor(source);
          await leaveSeats();
          await scope.lag.ready(await sourceOf(source), session, signal);
          return readUnit(scope, session, await planFor(table), unit, { progress, meter }, signal);
        });
        if (await settleDone(scope, unit, result)) onDone(result.tally ?? { rows: 0, bytes: 0 });
        else await forgo(scope, unit, result);
        unreachable = 0;
      } catch (error) {
        if (reserved !== null) {
          const again = await onceMore(scope, unit, error);
          if (again === null) {
            const gone = await reservedFailed(scope, unit, error);
            if (gone !== null) lost.set(source, gone);
          } else {
            // The others first: what holds this one may be over by then.
            own.queue.push(again);
            if (own.queue.length === 1) await pause(restSeconds(unit.record.attempts) * 1000, scope.signal);
          }
          return true;
        }
        // A session in the middle of a failed read is of no further use.
        await drop(source);
        await unitFailed(scope, unit, error);
        unreachable = CONNECTION_FAILURES.includes(toFailure(error).code) ? unreachable + 1 : 0;
        // The next unit would meet the same closed door, and lose one of its tries.
        if (unreachable > 0)
          await pause(Math.min(2 ** unreachable, LONGEST_PAUSE_SECONDS) * 1000, scope.signal);
      }
      return true;
    },
    async close() {
      await leaveSeats();
      for (const source of Array.from(sessions.keys())) await drop(source);
    },
  };
}

/** Somebody else does the unit, or the run is over: this file is nobody's. */
async function forgo(scope: Scope, unit: ClaimedUnit, { uri, rejectsUri }: UnitResult): Promise<void> {
  scope.log.warn('a unit was taken over by another task; its file is not used', { unit: unit.path });
  for (const file of [uri, rejectsUri]) if (file !== null) await scope.files.delete(file);
}

/** Gives the unit another try, or fails it. @throws the stop signal's reason, after giving the unit back. */
async function unitFailed(scope: Scope, unit: ClaimedUnit, error: unknown): Promise<void> {
  const { name, part } = { name: unit.record.unit.table, part: unit.record.unit.id };
  if (scope.signal.aborted) {
    await giveBack(scope, unit, 0);
    throw scope.signal.reason;
  }
  const failure = toFailure(error);
  const spent = unit.record.attempts >= MAX_UNIT_ATTEMPTS;
  scope.log.warn('a unit of work failed', {
    table: name,
    unit: part,
    attempt: unit.record.attempts,
    error: toError(error).message,
  });
  if (error instanceof TerminalError || MOMENT_GONE.includes(failure.code) || spent)
    await settleFailed(scope, unit, failure);
  else await giveBack(scope, unit, restSeconds(unit.record.attempts));
}

/** A reserved unit whose table somebody else holds, to be tried again in the same snapshot; null for other errors, or at last. */
async function onceMore(scope: Scope, unit: ClaimedUnit, error: unknown): Promise<ClaimedUnit | null> {
  if (scope.signal.aborted || toFailure(error).code !== SOURCE_BUSY) return null;
  if (unit.record.attempts >= MAX_UNIT_ATTEMPTS) return null;
  scope.log.warn('a table is held by somebody else and is tried again', { table: unit.record.unit.table });
  return tryAgain(scope, unit);
}

/**
 * Fails a reserved unit for good, or tells why the epoch is over for all of them: with the session, the snapshot has gone.
 * @throws the stop signal's reason
 */
async function reservedFailed(scope: Scope, unit: ClaimedUnit, error: unknown): Promise<Failure | null> {
  if (scope.signal.aborted) throw scope.signal.reason;
  const failure = toFailure(error);
  const about = { table: unit.record.unit.table, unit: unit.record.unit.id, error: toError(error).message };
  scope.log.warn('a unit of work failed', about);
  if (!(error instanceof TerminalError) && failure.code !== SOURCE_BUSY) return failure;
  await settleFailed(scope, unit, failure);
  return null;
}
