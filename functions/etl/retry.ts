import { TerminalError } from '#core/errors';
import { EtlRun, etlCycle } from '#core/etl-run';
import type { Overlap, RunTrigger } from '#core/events';
import { isFinal } from '#core/life-cycle';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import { type RunKey, runPath } from './run-key.ts';
import { type Started, startRun } from './start.ts';
import { sourceTables, tablesOf } from './tables.ts';

/**
 * Starts a run over what failed or was cancelled in a run that is over, as far as it is still enabled. A run that ended
 * before it wrote its tables is done again as it was asked for.
 * @throws TerminalError `run-active`, `nothing-to-retry`, and what startRun does
 */
export async function retryRun(
  store: Store,
  key: RunKey,
  wanted: {
    readonly actor: string;
    readonly trigger: RunTrigger;
    readonly overlap: Overlap;
    /** Left out: a new one. */
    readonly id?: string;
  },
): Promise<Started> {
  const run = (await mustRead(store, runPath(key), EtlRun, 'run')).value;
  if (!isFinal(etlCycle, run.status))
    throw new TerminalError('run-active', `The run ${run.id} is not over (${run.status}).`, {
      remedy: 'Wait for its end, or cancel it first.',
    });
  const tables = await tablesOf(store, key);
  const undone = tables.filter(({ status }) => status === 'failed' || status === 'cancelled');
  const untold = tables.length === 0 && run.status !== 'succeeded';
  if (undone.length === 0 && !untold)
    throw new TerminalError('nothing-to-retry', `Every table of the run ${run.id} was loaded.`, {
      remedy: 'Start a new run to load them again.',
    });
  const ids = untold ? run.only : undone.map(({ id }) => id);
  return startRun(store, key, {
    ...wanted,
    caps: run.caps,
    together: run.together,
    retryOf: run.id,
    ...(run.again === null ? {} : { again: run.again }),
    ...(ids === null ? {} : { tables: await stillEnabled(store, key, ids) }),
  });
}

async function stillEnabled(store: Store, key: RunKey, ids: readonly string[]): Promise<string[]> {
  const enabled = (await sourceTables(store, key)).flatMap(({ source, tables }) =>
    source.enabled ? tables.filter((table) => table.enabled && ids.includes(table.id)) : [],
  );
  if (enabled.length > 0) return enabled.map(({ id }) => id);
  throw new TerminalError('nothing-to-load', 'None of the tables that failed is enabled any more.', {
    remedy: 'Enable those that are to be loaded again.',
  });
}
