/**
 * Claims on units of work. A unit has one holder at a time; of two claimants one wins, and only the claim that is still
 * held when the unit is done counts, so every unit has exactly one set of files that is loaded.
 */
import { ConflictError, type Snapshot } from '#cloud/firestore';
import { type Failure, TransientError } from '#core/errors';
import { paths } from '#core/paths';
import { now } from '#store/store';
import { runPath } from './run-key.ts';
import { settledMark, UnitRecord } from './records.ts';
import type { Scope } from './scope.ts';

/** How long a claim holds unless renewed; renewed every third of it. */
export const CLAIM_SECONDS = 30;

/** Values that Firestore looks for in one query. */
const MOST_IN = 30;

/** Tries of one unit, over all tasks and epochs' deaths. */
export const MAX_UNIT_ATTEMPTS = 4;

/** A unit that this task holds. */
export interface ClaimedUnit {
  readonly path: string;
  readonly record: UnitRecord;
}

type Place = Pick<Scope, 'store' | 'key' | 'holder'>;

function unitsOf({ key }: Pick<Scope, 'key'>): string {
  return paths.etlUnits(key.tenant, key.model, key.run);
}

/** Whose units may be claimed. */
export interface Admission {
  /** The epoch's sources. */
  readonly sources: readonly string[];
  /** Whether units of the source may be: where not, somebody else does them. */
  admit(source: string): Promise<boolean>;
}

/** Claims the next free unit of the epoch, in order; null where none is free now. `only`: of those sources. */
export async function claimUnit(place: Place, epoch: number, only?: Admission): Promise<ClaimedUnit | null> {
  const { store } = place;
  const at = store.clock();
  const refused = new Set<string>();
  const admitted = async (found: readonly Snapshot[], most: number): Promise<Snapshot[]> => {
    const good: Snapshot[] = [];
    for (const one of found) {
      const { source } = UnitRecord.parse(one.data);
      if (good.length === most || refused.has(source)) continue;
      if (only === undefined || (await only.admit(source))) good.push(one);
      else refused.add(source);
    }
    return good;
  };
  const withStatus = (status: UnitRecord['status'], limit: number, sources?: readonly string[]) =>
    store.db.list(unitsOf(place), {
      where: [
        ['epoch', '==', epoch],
        ['status', '==', status],
        ...(sources === undefined ? [] : [['source', 'in', sources] as const]),
      ],
      limit,
    });
  const pending = async (limit: number, sources?: readonly string[]) =>
    admitted(
      (await withStatus('pending', limit, sources)).filter(
        (one) => UnitRecord.parse(one.data).notBefore <= at,
      ),
      8,
    );
  // Others look at the same first units; a handful more saves asking again after a lost race.
  let free = await pending(8);
  // All of the first may be waiting for another try.
  if (free.length === 0) free = await pending(200);
  const others = only?.sources.filter((source) => !refused.has(source)).slice(0, MOST_IN) ?? [];
  // All of these may be of a source that has no room; what is of others lies behind them.
  if (free.length === 0 && refused.size > 0 && others.length > 0) free = await pending(8, others);
  const abandoned =
    free.length > 0
      ? []
      : await admitted(
          (await withStatus('claimed', 64)).filter((one) => UnitRecord.parse(one.data).expiresAt < at),
          64,
        );
  for (const found of [...free, ...abandoned]) {
    const record = UnitRecord.parse(found.data);
    const claim = {
      status: 'claimed' as const,
      holder: place.holder,
      expiresAt: store.clock() + CLAIM_SECONDS * 1000,
      attempts: record.attempts + 1,
    };
    try {
      await store.db.commit([{ kind: 'update', path: found.path, data: claim, version: found.version }]);
      return { path: found.path, record: { ...record, ...claim } };
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  return null;
}

/**
 * The next of `queue`, which is emptied, that is still reserved for us; null at its end. Those of a table that has failed
 * are gone.
 */
export async function nextReserved(place: Place, queue: ClaimedUnit[]): Promise<ClaimedUnit | null> {
  for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
    const found = await place.store.db.get(unit.path);
    const record = found === null ? null : UnitRecord.parse(found.data);
    if (record?.status === 'reserved' && record.holder === place.holder) return unit;
  }
  return null;
}

/**
 * Writes `change` to a unit while the claim is ours.
 * @returns false where it has gone to somebody else: nothing was written.
 */
async function writeHeld(place: Place, unit: ClaimedUnit, change: Partial<UnitRecord>): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const found = await place.store.db.get(unit.path);
    const current = found === null ? null : UnitRecord.parse(found.data);
    const ours =
      (current?.status === 'claimed' || current?.status === 'reserved') &&
      current.holder === place.holder &&
      current.attempts === unit.record.attempts;
    if (found === null || !ours) return false;
    try {
      await place.store.db.commit([
        { kind: 'update', path: unit.path, data: change, version: found.version },
      ]);
      return true;
    } catch (error) {
      // Our own renewal may have come in between.
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
    }
  }
}

/** Does `work` while renewing the claim; its signal also fires when the claim is lost. */
export async function holding<T>(
  place: Place,
  unit: ClaimedUnit,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const losing = new AbortController();
  const timer = setInterval(
    () => {
      writeHeld(place, unit, { expiresAt: place.store.clock() + CLAIM_SECONDS * 1000 })
        .then((held) => (held ? undefined : losing.abort(claimLost(unit))))
        // A renewal that failed is tried again at the next beat; there are three in a claim.
        .catch(() => undefined);
    },
    (CLAIM_SECONDS * 1000) / 3,
  );
  try {
    return await work(AbortSignal.any([outer, losing.signal]));
  } finally {
    clearInterval(timer);
  }
}

/** What came of a unit. */
export type UnitResult = Pick<
  UnitRecord,
  'uri' | 'asItIs' | 'rejectsUri' | 'tally' | 'rejected' | 'misfits' | 'seconds'
>;

/** The unit is done; false where the claim was lost and its files are void. */
export async function settleDone(place: Place, unit: ClaimedUnit, result: UnitResult): Promise<boolean> {
  const settled = settledMark(unit.record.epoch, now(place.store));
  if (await writeHeld(place, unit, { ...result, status: 'done', settled })) return true;
  // A write whose answer was lost is repeated by Firestore's client and then conflicts with itself: it is done after all.
  const found = await place.store.db.get(unit.path);
  if (found === null) return false;
  const { status, holder, attempts } = UnitRecord.parse(found.data);
  return status === 'done' && holder === place.holder && attempts === unit.record.attempts;
}

/** The unit cannot be done. */
export function settleFailed(place: Place, unit: ClaimedUnit, failure: Failure): Promise<boolean> {
  const settled = settledMark(unit.record.epoch, now(place.store));
  return writeHeld(place, unit, { status: 'failed', failure: { ...failure }, settled });
}

/** The unit once more, by us; null where it is ours no more. */
export async function tryAgain(place: Place, unit: ClaimedUnit): Promise<ClaimedUnit | null> {
  const attempts = unit.record.attempts + 1;
  const ours = await writeHeld(place, unit, { attempts });
  return ours ? { ...unit, record: { ...unit.record, attempts } } : null;
}

/** Gives the unit back for another try, by whoever is free, `seconds` from now. */
export function giveBack(place: Place, unit: ClaimedUnit, seconds: number): Promise<boolean> {
  const notBefore = place.store.clock() + seconds * 1000;
  return writeHeld(place, unit, { status: 'pending', holder: null, expiresAt: 0, notBefore });
}

/** How long a unit rests after its `attempts`-th failure: 2, 8, 32 seconds. */
export function restSeconds(attempts: number): number {
  return 2 * 4 ** (attempts - 1);
}

/** Units of the epoch done or failed since `since` (a Moment; '' for all), with a margin for clocks that differ. */
export async function settledUnits(
  place: Pick<Scope, 'store' | 'key'>,
  epoch: number,
  since: string,
): Promise<ClaimedUnit[]> {
  const from = since === '' ? '' : new Date(Date.parse(since) - 10_000).toISOString();
  const found = await place.store.db.list(unitsOf(place), {
    where: [
      ['settled', '>=', settledMark(epoch, from)],
      ['settled', '<', settledMark(epoch + 1, '')],
    ],
  });
  return found.map((one) => ({ path: one.path, record: UnitRecord.parse(one.data) }));
}

/** The units of one table in the epoch its plan names, in order. */
export async function unitsOfTable(
  place: Pick<Scope, 'store' | 'key'>,
  table: string,
  epoch: number,
): Promise<ClaimedUnit[]> {
  const found = await place.store.db.list(unitsOf(place), {
    where: [
      ['table', '==', table],
      ['epoch', '==', epoch],
    ],
  });
  return found
    .map((one) => ({ path: one.path, record: UnitRecord.parse(one.data) }))
    .sort((a, b) => a.record.number - b.record.number);
}

/** How many units some task holds now. */
export async function unitsHeld(place: Pick<Scope, 'store' | 'key'>): Promise<number> {
  return (await place.store.db.list(unitsOf(place), { where: [['status', '==', 'claimed']], limit: 100 }))
    .length;
}

/** Removes every unit of the run: its bookkeeping is over. */
export async function dropUnits(place: Pick<Scope, 'store' | 'key'>): Promise<void> {
  for (;;) {
    const found = await place.store.db.list(unitsOf(place), { limit: 300 });
    if (found.length === 0) return;
    await place.store.db.commit(found.map((one) => ({ kind: 'delete' as const, path: one.path })));
  }
}

/** Where the snapshots of the epoch are told. */
export function epochPath(place: Pick<Scope, 'key'>): string {
  return paths.etlEpoch(runPath(place.key));
}

function claimLost(unit: ClaimedUnit): TransientError {
  return new TransientError('claim-lost', `The unit ${unit.path} went to another task.`);
}
