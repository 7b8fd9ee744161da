import type { Failure } from '#core/errors';
import { FailureSchema } from '#core/failure';
import { paths } from '#core/paths';
import { read } from './document.ts';
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

/** Leaves word why the run that a start message asked for does not come: nobody waits for it in vain. May be repeated. */
export function noteStartRefusal(store: Store, kind: RunKind, asked: Asked, failure: Failure): Promise<void> {
  return leaveWord(store, kind, asked, failure, failure.code === TURNED_AWAY);
}

/**
 * Leaves word that another run, which is not over, was the answer to a start message. That is final: a message that comes
 * once more, when the other run is over, starts nothing (`wasTurnedAway`).
 */
export function turnAway(
  store: Store,
  kind: RunKind,
  asked: Asked,
  { active, remedy }: { readonly active: string; readonly remedy: string },
): Promise<void> {
  const message = `The run ${active} of this model is not over.`;
  return leaveWord(store, kind, asked, { code: TURNED_AWAY, message, remedy }, true);
}

/** Whether the occasion that a message stands for has had another run as its answer. */
export async function wasTurnedAway(store: Store, kind: RunKind, asked: Asked): Promise<boolean> {
  return (await store.db.get(placeOf(kind, asked)))?.data['turnedAway'] === true;
}

function placeOf(kind: RunKind, asked: Asked): string {
  return paths.startRefusal(asked.tenant, asked.model, triggeredRunId(kind, asked));
}

async function leaveWord(
  store: Store,
  kind: RunKind,
  asked: Asked,
  { code, message, remedy }: Failure,
  turnedAway: boolean,
): Promise<void> {
  // What was final stays so, whatever a later message comes to.
  if (await wasTurnedAway(store, kind, asked)) return;
  const expireAt = new Date(store.clock() + KEPT_DAYS * 86_400_000);
  const data = { code, message, remedy, turnedAway, at: now(store), expireAt };
  await store.db.commit([{ kind: 'set', path: placeOf(kind, asked), data }]);
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
