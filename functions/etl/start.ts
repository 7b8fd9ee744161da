import { EtlCaps, EtlRun, type LoadAgain } from '#core/etl-run';
import { announce, type Overlap, type RunTrigger } from '#core/events';
import { checkQuota } from '#core/limits';
import { paths } from '#core/paths';
import { TerminalError } from '#core/errors';
import { Tenant } from '#core/tenant';
import { mustRead, read } from '#store/document';
import { createExclusively, type Watched } from '#store/exclusive';
import { mustBeActive } from '#store/model-access';
import { runsOfTheDay } from '#store/runs-of-the-day';
import { makeId, now, type Store } from '#store/store';
import { currentTrace } from '#store/trace';
import { checkAgain } from './again.ts';
import type { RunKey } from './run-key.ts';
import { checkTogether } from './together-plan.ts';
import { type Choice, chooseTables, sourceTables } from './tables.ts';
import { startWaiting } from './waiting.ts';

/** What is wanted of a run, and on whose behalf. */
export interface Wanted extends Choice {
  readonly actor: string;
  readonly trigger: RunTrigger;
  readonly overlap: Overlap;
  /** Left out: the defaults of `EtlCaps`. */
  readonly caps?: { readonly [K in keyof EtlCaps]?: EtlCaps[K] | undefined };
  /** Left out: as the model says. */
  readonly together?: boolean | undefined;
  readonly retryOf?: string;
  /** Left out: tables go on where the last run ended. */
  readonly again?: LoadAgain | undefined;
  /** Left out: a new one. The same id again is the same run. */
  readonly id?: string;
}

/** A run, and whether the start that it answers has made it. */
export type Started = EtlRun & { readonly created: boolean };

/**
 * Starts a run over the enabled tables, or those wanted. While another is active `overlap` decides; one that does not load
 * all that is wanted is never joined, but waited for.
 * @throws TerminalError `nothing-to-load`, `too-many-together`, `model-archived`, `quota-exceeded`, `run-active`, and what chooseTables and checkAgain do
 */
export async function startRun(
  store: Store,
  { tenant, model }: Pick<RunKey, 'tenant' | 'model'>,
  wanted: Wanted,
): Promise<Started> {
  const id = wanted.id ?? makeId(store, 'r');
  const path = paths.etlRun(tenant, model, id);
  const made = await read(store, path, EtlRun);
  if (made !== null) return { ...made.value, created: true };
  const { publishTogether } = await mustBeActive(store, tenant, model);
  const tables = chooseTables(await sourceTables(store, { tenant, model }), wanted);
  const whole = wanted.tables === undefined && wanted.sources === undefined;
  const together = wanted.together ?? publishTogether;
  if (together) checkTogether(tables.length);
  if (wanted.again !== undefined) checkAgain(wanted.again, wanted.tables !== undefined, tables);
  const only = whole ? null : tables.map((table) => table.id);
  const run = newRun(store, id, { ...wanted, together }, only, tables.length);
  const lock = paths.lock(tenant, model, 'etl');
  // Asking first costs a read, and spares the count where nothing would be begun anyway.
  if (wanted.overlap === 'join' && (await store.db.get(lock)) === null) await withinQuota(store, tenant);
  if (wanted.overlap !== 'join') await withinQuota(store, tenant);
  const watched: Watched = { kind: 'etl', path, tenant, model, id };
  const audit = { tenant, actor: wanted.actor, action: 'etl.start', target: path };
  const announcements = [announce('etl-requested', { tenant, model, run: id })];
  const active = await createExclusively(store, { lock, path, data: run, watched, announcements, audit });
  if (active.created) return { ...run, created: true };
  if (active.id === id) return answer(store, tenant, model, active.id, id);
  // Joining a run that goes on where the last one ended, or that loads other tables, would be another thing than was asked for.
  const serves = async (run: string): Promise<boolean> =>
    wanted.again === undefined && (await loadsAll(store, paths.etlRun(tenant, model, run), only));
  const joins = wanted.overlap === 'join' && wanted.again === undefined;
  if (joins && (await serves(active.id))) return answer(store, tenant, model, active.id, id);
  if (joins) await withinQuota(store, tenant);
  else if (wanted.overlap !== 'queue')
    throw new TerminalError('run-active', `The run ${active.id} is active in this model.`, {
      remedy: `Wait for its end or cancel it; or start with overlap ${wanted.again === undefined ? '"join" or "queue"' : '"queue"'}.`,
    });
  const waiting = await createExclusively(store, {
    lock: paths.waiting(tenant, model, 'etl'),
    path,
    data: { ...run, waitsFor: active.id },
    watched,
    announcements: [],
    audit,
  });
  if (waiting.id !== id && !(await serves(waiting.id)))
    throw new TerminalError('run-active', `The run ${waiting.id} waits for ${active.id} already.`, {
      remedy: 'Wait for its end or cancel it.',
    });
  // The active one may have ended before there was anything that waited for it.
  await startWaiting(store, { tenant, model });
  return answer(store, tenant, model, waiting.id, id);
}

/** Whether the run at `path` loads every table of `only`; null: every one there is. */
async function loadsAll(store: Store, path: string, only: readonly string[] | null): Promise<boolean> {
  const run = (await mustRead(store, path, EtlRun, 'run')).value;
  return run.only === null || (only?.every((table) => run.only?.includes(table)) ?? false);
}

async function answer(
  store: Store,
  tenant: string,
  model: string,
  found: string,
  asked: string,
): Promise<Started> {
  const run = (await mustRead(store, paths.etlRun(tenant, model, found), EtlRun, 'run')).value;
  return { ...run, created: found === asked };
}

function newRun(
  store: Store,
  id: string,
  { actor, trigger, caps, retryOf, together, again }: Wanted,
  only: string[] | null,
  tables: number,
): EtlRun {
  return EtlRun.parse({
    id,
    status: 'queued',
    requestedBy: actor,
    trigger,
    retryOf: retryOf ?? null,
    only,
    again: again ?? null,
    caps: EtlCaps.parse(caps ?? {}),
    together,
    requestId: currentTrace()?.requestId ?? null,
    tables,
    counts: { rows: 0, bytes: 0, rejected: {} },
    failure: null,
    attempts: 0,
    executions: 0,
    executor: null,
    formerExecutors: [],
    askedAt: null,
    createdAt: now(store),
    startedAt: null,
    finishedAt: null,
  });
}

async function withinQuota(store: Store, tenant: string): Promise<void> {
  const { value } = await mustRead(store, paths.tenant(tenant), Tenant, 'tenant');
  checkQuota(value, 'runsPerDay', await runsOfTheDay(store, tenant));
}
