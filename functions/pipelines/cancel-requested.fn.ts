import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { endCancelled } from './cancel.ts';

export const deploy = eventDeploy('pipeline-cancel-requested');

export const handler = onEvent('pipelines-cancel-requested', 'pipeline-cancel-requested', {
  handle: (ids, here) => endCancelled(here, ids),
  // The wish stands on the run: the watchdog ends it.
  fail: () => Promise.resolve(),
});
