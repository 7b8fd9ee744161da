/** What a task makes of one unit: a file of its rows, and one of those that were rejected. */
import { makeTableWriter } from '#columnar/table-writer';
import type { ExtractRequest, SourceSession } from '#connectors/connector';
import { asItIs } from './as-it-is.ts';
import { hashingWriter, hidingRejects, withoutQuotes } from './hashing.ts';
import { lenientWriter } from './misfits.ts';
import { hidesValues, keyColumns, plannedColumns, plannedKey, type TablePlan } from './records.ts';
import { makeRejectSink } from './rejects.ts';
import type { Scope } from './scope.ts';
import { tenantHashingKey } from './tenant-hashing-key.ts';
import { fileBase, requestOf, stopAtCap, type Watching } from './unit-request.ts';
import type { ClaimedUnit, UnitResult } from './units.ts';

/**
 * Reads the unit in `session`. Where the warehouse can take its object as it is, every value of it is looked at, and a copy
 * stands for the file; else, and where a value does not fit, the rows are written.
 */
export async function readUnit(
  scope: Scope,
  session: SourceSession,
  plan: TablePlan,
  unit: ClaimedUnit,
  watching: Watching,
  signal: AbortSignal,
): Promise<UnitResult> {
  const from = scope.store.clock();
  const result =
    (await asItIs(scope, session, plan, unit, watching, signal)) ??
    (await writeUnit(scope, session, plan, unit, watching, signal));
  return { ...result, seconds: Math.max(0, (scope.store.clock() - from) / 1000) };
}

/**
 * Writes the unit's rows, those of `copy` where it is given, to a file whose name ends with `mark`.
 */
export async function writeUnit(
  scope: Scope,
  session: SourceSession,
  plan: TablePlan,
  unit: ClaimedUnit,
  { progress, meter }: Watching,
  signal: AbortSignal,
  { copy, mark = '' }: Pick<ExtractRequest, 'copy'> & { readonly mark?: string } = {},
): Promise<UnitResult> {
  const base = `${fileBase(scope, plan, unit)}${mark}`;
  const uri = `${base}.parquet`;
  const object = scope.files.openWriter(uri, 'application/vnd.apache.parquet', { temporary: true });
  const { keysOnly } = unit.record;
  const columns = keysOnly ? keyColumns(plan) : plan.columns;
  const writer = makeTableWriter(keysOnly ? plannedKey(plan) : plannedColumns(plan), object);
  const about = { run: scope.key.run, destination: plan.destination };
  const capped = new AbortController();
  const rejects = makeRejectSink(scope.files, `${base}-rejects.parquet`, about, scope.store.clock);
  const hides = hidesValues(plan);
  const shown = hidingRejects({ values: hides, lines: plan.excluded.length > 0 });
  try {
    const hidden =
      plan.hashed.length > 0
        ? hashingWriter(writer, columns, plan.hashed, await tenantHashingKey(scope))
        : writer;
    const lenient = plan.misfits.length === 0 ? null : lenientWriter(hidden, columns, plan.misfits);
    await session.extract({
      ...requestOf(plan, unit, columns, lenient?.writer ?? hidden),
      reject: (reject) => rejects.take(shown(reject)),
      ...(copy === undefined ? {} : { copy }),
      signal: AbortSignal.any([signal, capped.signal]),
      onProgress({ rows, bytes }) {
        if (!keysOnly) progress.reading(plan.id, rows, bytes);
        stopAtCap(capped, meter.over(writer));
      },
    });
    const tally = await writer.close();
    await object.close();
    const rejectsUri = await rejects.close();
    if (!keysOnly) progress.read(plan.id, tally.rows, tally.bytes);
    const misfits = keysOnly ? {} : { ...lenient?.counts };
    const rejected = { ...rejects.counts };
    return { uri, asItIs: false, rejectsUri, tally, rejected, misfits, seconds: null };
  } catch (error) {
    object.abort();
    throw hides ? withoutQuotes(error, plan.name) : error;
  }
}
