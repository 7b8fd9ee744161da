import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { abandon, driveWhenFree } from './drive.ts';

export const deploy = eventDeploy('deployment-requested');

export const handler = onEvent('deployments-requested', 'deployment-requested', {
  handle: (payload, here) => driveWhenFree(here, payload),
  fail: (payload, failure, here) => abandon(here, payload, failure),
});
