import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { noteStartRefusal } from '#store/triggered-run';
import { startTriggered } from './triggered.ts';

export const deploy = eventDeploy('pipeline-start-requested');

export const handler = onEvent('pipelines-start-requested', 'pipeline-start-requested', {
  handle: (payload, here) => startTriggered(here, payload),
  fail: (payload, failure, { store }) => noteStartRefusal(store, 'pipeline', payload, failure),
});
