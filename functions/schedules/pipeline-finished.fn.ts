import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { concludeRun } from './conclude.ts';

export const deploy = eventDeploy('pipeline-finished');

export const handler = onEvent('schedules-pipeline-finished', 'pipeline-finished', {
  handle: (ended, { store }) => concludeRun(store, ended, { kind: 'pipeline', id: ended.run }),
  // Kept as a dead letter, which can be played again.
  fail: () => Promise.resolve(),
});
