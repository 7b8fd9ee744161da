import type { Payload } from '#core/events';
import type { Platform } from '#runtime/platform';
import { admitStart, triggeredRunId, turnAway } from '#store/triggered-run';
import { startRun } from './start.ts';

/**
 * Starts the run that a message asks for. The same occasion, however often its message comes, is one run; where it does
 * not come because another is active, word is left.
 * @throws TerminalError what startRun refuses; `tenant-suspended`
 */
export async function startTriggered(
  { store, config }: Pick<Platform, 'store' | 'config'>,
  payload: Payload<'pipeline-start-requested'>,
): Promise<void> {
  const { model, trigger, config: settings, dataset, overlap } = payload;
  const tenant = await admitStart(store, 'pipeline', payload);
  if (tenant === null) return;
  const id = triggeredRunId('pipeline', payload);
  const run = await startRun(store, config, {
    tenant,
    model,
    config: settings,
    dataset,
    actor: 'system',
    trigger,
    overlap: overlap ?? 'join',
    mayDeploy: payload.mayDeploy ?? true,
    id,
  });
  if (run.id === id) return;
  await turnAway(store, 'pipeline', payload, {
    active: run.id,
    remedy: 'Let triggers queue, or give runs more time between them.',
  });
}
