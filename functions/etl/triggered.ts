import { TerminalError } from '#core/errors';
import type { Payload } from '#core/events';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import { triggeredRunId, turnAway, wasTurnedAway } from '#store/triggered-run';
import { startRun } from './start.ts';

/**
 * Starts the run that a schedule or another trigger asks for: one for each key, however often the message comes. Where it
 * does not come because another one is the answer, word is left.
 * @throws TerminalError `tenant-suspended`, and what startRun does
 */
export async function startTriggered(store: Store, request: Payload<'etl-start-requested'>): Promise<void> {
  const { trigger, overlap = 'join' } = request;
  if (await wasTurnedAway(store, 'etl', request)) return;
  const { id: tenant, status } = (await mustRead(store, paths.tenant(request.tenant), Tenant, 'tenant'))
    .value;
  // A message may be late, or played again: the tenant may have been suspended since, or deleted.
  if (status !== 'active')
    throw new TerminalError('tenant-suspended', `The tenant ${tenant} is ${status}.`, {
      remedy: 'Ask the operator.',
    });
  const id = triggeredRunId('etl', request);
  const run = await startRun(store, request, { actor: 'system', trigger, overlap, id });
  if (run.id === id) return;
  await turnAway(store, 'etl', request, { active: run.id, remedy: 'Give runs more time between them.' });
}
