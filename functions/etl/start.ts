import { TerminalError } from '#core/errors';
import { EtlRun } from '#core/etl-run';
import { announce } from '#core/events';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { mustRead } from '#store/document';
import { createExclusively } from '#store/exclusive';
import { makeId, now, type Store } from '#store/store';
import type { RunKey } from './run-key.ts';
import { enabledTables } from './tables.ts';

/**
 * Starts a run over every enabled table, or answers with the one that is active.
 * @throws TerminalError `nothing-to-load`
 */
export async function startRun(
  store: Store,
  { tenant, model }: Pick<RunKey, 'tenant' | 'model'>,
  actor: string,
): Promise<EtlRun> {
  await mustRead(store, paths.model(tenant, model), Model, 'model');
  const tables = await enabledTables(store, { tenant, model });
  if (tables.length === 0)
    throw new TerminalError('nothing-to-load', 'No table is enabled, so there is nothing to load.', {
      remedy: 'Add a source, discover its tables and enable at least one.',
    });
  const id = makeId(store, 'r');
  const path = paths.etlRun(tenant, model, id);
  const run: EtlRun = {
    id,
    status: 'queued',
    requestedBy: actor,
    tables: tables.length,
    counts: { rows: 0, bytes: 0, rejected: {} },
    failure: null,
    attempts: 0,
    executor: null,
    createdAt: now(store),
    startedAt: null,
    finishedAt: null,
  };
  const active = await createExclusively(store, {
    lock: paths.lock(tenant, model, 'etl'),
    path,
    data: run,
    watched: { kind: 'etl', path, tenant, model, id },
    announcements: [announce('etl-requested', { tenant, model, run: id })],
    audit: { tenant, actor, action: 'etl.start', target: path },
  });
  if (active.created) return run;
  return (await mustRead(store, paths.etlRun(tenant, model, active.id), EtlRun, 'run')).value;
}
