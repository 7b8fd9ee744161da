import type { Payload } from '#core/events';
import type { Store } from '#store/store';
import { admitStart, triggeredRunId, turnAway } from '#store/triggered-run';
import { retryRun } from './retry.ts';
import { startRun } from './start.ts';

/**
 * Starts the run that a schedule or another trigger asks for: one for each key, however often the message comes. Where it
 * does not come because another one is the answer, word is left.
 * @throws TerminalError `tenant-suspended`, and what startRun and retryRun do
 */
export async function startTriggered(store: Store, request: Payload<'etl-start-requested'>): Promise<void> {
  const { tenant, model, trigger, overlap = 'join', together, retryOf } = request;
  if ((await admitStart(store, 'etl', request)) === null) return;
  const id = triggeredRunId('etl', request);
  const wanted = { actor: 'system', trigger, overlap, id };
  const run =
    retryOf === undefined
      ? await startRun(store, request, { ...wanted, together })
      : await retryRun(store, { tenant, model, run: retryOf }, wanted);
  if (run.id === id) return;
  await turnAway(store, 'etl', request, { active: run.id, remedy: 'Give runs more time between them.' });
}
