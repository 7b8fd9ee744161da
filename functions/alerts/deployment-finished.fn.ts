import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { noticeDeployment } from './ended.ts';

export const deploy = eventDeploy('deployment-finished');

export const handler = onEvent('alerts-deployment-finished', 'deployment-finished', {
  handle: (ended, { store }) => noticeDeployment(store, ended),
  // Kept as a dead letter, which can be played again.
  fail: () => Promise.resolve(),
});
