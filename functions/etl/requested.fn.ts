import { openContainerPlatform } from '#cloud/run';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { startExecution } from './executions.ts';
import { failRun } from './finish.ts';

export const deploy = eventDeploy('etl-requested');

export const handler = onEvent('etl-requested', 'etl-requested', {
  handle(payload, { store, config }) {
    const containers = openContainerPlatform(config);
    return startExecution(store, { containers, installationKey: config.installationKey }, payload, 0);
  },
  fail: (payload, failure, { store }) => failRun(store, payload, failure),
});
