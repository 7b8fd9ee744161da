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

/** Leaves word why the run that a start message asked for does not come: nobody waits for it in vain. May be repeated. */
export async function noteStartRefusal(
  store: Store,
  kind: RunKind,
  asked: Asked,
  failure: Failure,
): Promise<void> {
  const path = paths.startRefusal(asked.tenant, asked.model, triggeredRunId(kind, asked));
  const { code, message, remedy } = failure;
  await store.db.commit([{ kind: 'set', path, data: { code, message, remedy, at: now(store) } }]);
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
