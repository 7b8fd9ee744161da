import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { noticeFiring } from './ended.ts';

export const deploy = eventDeploy('schedule-concluded');

export const handler = onEvent('alerts-schedule-concluded', 'schedule-concluded', {
  handle: (ended, { store }) => noticeFiring(store, ended),
  // Kept as a dead letter, which can be played again.
  fail: () => Promise.resolve(),
});
