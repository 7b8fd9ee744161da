import type { Payload } from '#core/events';
import type { Store } from '#store/store';
import { admitStart, triggeredRunId, turnAway } from '#store/triggered-run';
import { startRun } from './start.ts';

/**
 * Starts the run that a schedule or another trigger asks for: one for each key, however often the message comes. Where it
 * does not come because another one is the answer, word is left.
 * @throws TerminalError `tenant-suspended`, and what startRun does
 */
export async function startTriggered(store: Store, request: Payload<'etl-start-requested'>): Promise<void> {
  const { trigger, overlap = 'join', together } = request;
  if ((await admitStart(store, 'etl', request)) === null) return;
  const id = triggeredRunId('etl', request);
  const run = await startRun(store, request, { actor: 'system', trigger, overlap, together, id });
  if (run.id === id) return;
  await turnAway(store, 'etl', request, { active: run.id, remedy: 'Give runs more time between them.' });
}
