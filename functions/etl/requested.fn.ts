import { openContainerPlatform } from '#cloud/run';
import { BusyError } from '#core/errors';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { endFromOutside } from './end-run.ts';
import { startExecution } from './executions.ts';

export const deploy = eventDeploy('etl-requested');

export const handler = onEvent('etl-requested', 'etl-requested', {
  handle(payload, { store, config }) {
    const containers = openContainerPlatform(config);
    return startExecution(store, { containers, installationKeys: config.installationKeys }, payload, 0);
  },
  async fail(payload, failure, { store, config, log }) {
    const world = { containers: openContainerPlatform(config), config, log };
    const patience = { runner: 0, container: 11 };
    try {
      await endFromOutside(store, world, payload, { event: 'fail', failure }, patience);
    } catch (error) {
      // A container was started after all, and is at work: the run goes on.
      if (!(error instanceof BusyError)) throw error;
    }
  },
});
