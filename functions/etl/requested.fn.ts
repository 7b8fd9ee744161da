import { openContainerPlatform } from '#cloud/run';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { startExecution } from './executions.ts';
import { failRun } from './finish.ts';

export const deploy = eventDeploy('etl-requested');

export const handler = onEvent('etl-requested', 'etl-requested', {
  handle: (payload, { store, config }) => startExecution(store, openContainerPlatform(config), payload, 0),
  fail: (payload, failure, { store }) => failRun(store, payload, failure),
});
