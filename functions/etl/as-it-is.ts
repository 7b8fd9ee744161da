/**
 * Files that the warehouse loads as they are. Its reading of a file is compared with ours as ever, so all values are decoded
 * here too; what is saved is writing them again and sending them. A value that BigQuery would take for another, or not at
 * all, is one that we reject: then the rows are written, and the rejected one is told of, as of every other source.
 */
import { makeCountingWriter } from '#columnar/table-writer';
import type { SourceSession } from '#connectors/connector';
import { objectChanged } from '#connectors/files/pinned';
import { TerminalError } from '#core/errors';
import { plannedColumns, type TablePlan } from './records.ts';
import { fileBase, requestOf, stopAtCap, type Watching } from './unit-request.ts';
import type { Scope } from './scope.ts';
import type { ClaimedUnit, UnitResult } from './units.ts';

/** A value that does not fit: the file cannot be loaded as it is. */
class Unfit extends Error {}

/**
 * Looks at every value of the unit's object, and has it copied to where staged files lie: that version and no other, so that
 * nobody can replace it before it is loaded. Null: it is to be written.
 */
export async function asItIs(
  scope: Scope,
  session: SourceSession,
  plan: TablePlan,
  unit: ClaimedUnit,
  { progress, meter }: Watching,
  signal: AbortSignal,
): Promise<UnitResult | null> {
  const { object } = unit.record.unit;
  if (object === undefined || unit.record.keysOnly) return null;
  const writer = makeCountingWriter(plannedColumns(plan));
  const capped = new AbortController();
  try {
    await session.extract({
      ...requestOf(plan, unit, plan.columns, writer),
      reject({ line, reason }) {
        throw new Unfit(`row ${line}: ${reason}`);
      },
      signal: AbortSignal.any([signal, capped.signal]),
      onProgress({ rows, bytes }) {
        progress.reading(plan.id, rows, bytes);
        stopAtCap(capped, meter.over({ rows, bytes: object.bytes }));
      },
    });
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const about = { table: plan.name, file: object.uri, why: error.message };
    scope.log.info('a file has a value that does not fit and is written anew', about);
    return null;
  }
  const tally = { ...(await writer.close()), bytes: object.bytes };
  const uri = `${fileBase(scope, plan, unit)}.parquet`;
  const copied = await copyOf(scope, object, uri);
  if (copied.bytes !== object.bytes) throw objectChanged(object.uri);
  progress.read(plan.id, tally.rows, tally.bytes);
  return { uri, asItIs: true, rejectsUri: null, tally, rejected: {}, misfits: {}, seconds: null };
}

async function copyOf({ files }: Scope, object: { uri: string; generation: string }, to: string) {
  try {
    return await files.copy(object, to, { temporary: true });
  } catch (error) {
    if (error instanceof TerminalError && error.code === 'object-missing')
      throw objectChanged(object.uri, error);
    throw error;
  }
}
