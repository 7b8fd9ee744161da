import { BusyError, toError } from '#core/errors';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { listWatched } from '#store/exclusive';
import { driveDeployment } from './drive.ts';

export const deploy = eventDeploy('tick', { timeoutSeconds: 300 });

export const handler = onEvent('deployments-watch', 'tick', {
  async handle(_, here) {
    const watched = await listWatched(here.store, 'deployment');
    await Promise.all(
      watched.map(async ({ tenant, model, id }) => {
        try {
          await driveDeployment(here, { tenant, model, deployment: id });
        } catch (error) {
          // The platform does not answer, or somebody else is at it: the next tick looks again.
          if (!(error instanceof BusyError))
            here.log.warn('deployment not looked after', { deployment: id, error: toError(error).message });
        }
      }),
    );
  },
  // A tick that failed is followed by another within a minute.
  fail: () => Promise.resolve(),
});
