import { type Failure, TerminalError } from '#core/errors';
import { FailureSchema } from '#core/failure';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { mustRead, read } from './document.ts';
import { idFrom, now, type Store } from './store.ts';

/** A message that asks for a run (`etl-start-requested`, `pipeline-start-requested`), as far as it names the run. */
export interface Asked {
  readonly tenant: string;
  readonly model: string;
  /** The same for the same occasion. */
  readonly key: string;
}
export type RunKind = 'etl' | 'pipeline';

/**
 * The id of the run that a message asks for: the same however often it comes, so that whoever starts the run starts one,
 * and whoever asked for it knows which.
 */
export function triggeredRunId(kind: RunKind, { tenant, model, key }: Asked): string {
  return idFrom('r', `${tenant}/${model}/${kind}/${key}`);
}

/** Word of a refusal is kept for longer than any message is delivered again. */
const KEPT_DAYS = 8;

/** What a start is refused by where another run is active, as `startRun` says it too. */
const TURNED_AWAY = 'run-active';

/**
 * Leaves word why the run that a start message asked for does not come: nobody waits for it in vain. May be repeated. That
 * another run was active is final, whatever a later message comes to (`admitStart`).
 */
export async function noteStartRefusal(
  store: Store,
  kind: RunKind,
  asked: Asked,
  { code, message, remedy }: Failure,
): Promise<void> {
  if (await wasTurnedAway(store, kind, asked)) return;
  const expireAt = new Date(store.clock() + KEPT_DAYS * 86_400_000);
  const path = paths.startRefusal(asked.tenant, asked.model, triggeredRunId(kind, asked));
  await store.db.commit([{ kind: 'set', path, data: { code, message, remedy, at: now(store), expireAt } }]);
}

/** Leaves word that the answer to a start message was the run `active`, which is not over. */
export function turnAway(
  store: Store,
  kind: RunKind,
  asked: Asked,
  { active, remedy }: { readonly active: string; readonly remedy: string },
): Promise<void> {
  const message = `The run ${active} of this model is not over.`;
  return noteStartRefusal(store, kind, asked, { code: TURNED_AWAY, message, remedy });
}

/**
 * The tenant whose run a start message asks for; null where another run was the answer to the same occasion: a message
 * that comes once more, when that run is over, starts nothing.
 * @throws TerminalError `tenant-suspended`: a message may be late, or played again; `not-found`
 */
export async function admitStart(store: Store, kind: RunKind, asked: Asked): Promise<Tenant | null> {
  if (await wasTurnedAway(store, kind, asked)) return null;
  const tenant = (await mustRead(store, paths.tenant(asked.tenant), Tenant, 'tenant')).value;
  if (tenant.status !== 'active')
    throw new TerminalError('tenant-suspended', `The tenant ${tenant.id} is ${tenant.status}.`, {
      remedy: 'Ask the operator.',
    });
  return tenant;
}

async function wasTurnedAway(store: Store, kind: RunKind, asked: Asked): Promise<boolean> {
  const { tenant, model } = asked;
  return (await readStartRefusal(store, tenant, model, triggeredRunId(kind, asked)))?.code === TURNED_AWAY;
}

/** The word left about a run, if any. */
export async function readStartRefusal(
  store: Store,
  tenant: string,
  model: string,
  run: string,
): Promise<Failure | null> {
  return (await read(store, paths.startRefusal(tenant, model, run), FailureSchema))?.value ?? null;
}
