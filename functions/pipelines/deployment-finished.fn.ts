import { Deployment } from '#core/deployment';
import { paths } from '#core/paths';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import type { Platform } from '#runtime/platform';
import { read } from '#store/document';
import { deployment } from './deployment.ts';
import { recordFailure } from './drive.ts';
import { publishLists } from './publish-lists.ts';
import type { RunIds } from './run-context.ts';
import { driveWhenFree } from './stage-event.ts';

export const deploy = eventDeploy('deployment-finished');

export const handler = onEvent('pipelines-deployment-finished', 'deployment-finished', {
  async handle(payload, here) {
    const run = await runOf(payload, here);
    if (run !== null) await driveWhenFree(here, run, deployment);
    await publishLists(here, payload);
  },
  async fail(payload, failure, here) {
    const run = await runOf(payload, here);
    if (run !== null) await recordFailure(here, run, deployment, failure);
  },
});

/** The run that waits for the deployment; null for one asked for by a person. */
async function runOf(
  { tenant, model, deployment: id }: { tenant: string; model: string; deployment: string },
  here: Platform,
): Promise<RunIds | null> {
  const found = await read(here.store, paths.deployment(tenant, model, id), Deployment);
  const run = found?.value.run ?? null;
  return run === null ? null : { tenant, model, run };
}
