import type { Payload } from '#core/events';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { triggeredRunId, turnAway, wasTurnedAway } from '#store/triggered-run';
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
  if (await wasTurnedAway(store, 'pipeline', payload)) return;
  const tenant = (await mustRead(store, paths.tenant(payload.tenant), Tenant, 'tenant')).value;
  if (tenant.status !== 'active')
    throw new TerminalError('tenant-suspended', `The tenant ${tenant.id} is ${tenant.status}.`, {
      remedy: 'Ask the operator.',
    });
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
