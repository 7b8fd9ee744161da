import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { noticePipeline } from './ended.ts';

export const deploy = eventDeploy('pipeline-finished');

export const handler = onEvent('alerts-pipeline-finished', 'pipeline-finished', {
  handle: (ended, { store }) => noticePipeline(store, ended),
  // Kept as a dead letter, which can be played again.
  fail: () => Promise.resolve(),
});
