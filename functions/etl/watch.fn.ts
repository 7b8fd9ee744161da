import { openContainerPlatform } from '#cloud/run';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { watchRuns } from './watch.ts';

export const deploy = eventDeploy('tick');

export const handler = onEvent('etl-watch', 'tick', {
  handle(_, { store, config, log }) {
    const containers = openContainerPlatform(config);
    return watchRuns(store, { containers, config, installationKeys: config.installationKeys }, log);
  },
  // The next tick does what this one could not.
  fail: async () => undefined,
});
