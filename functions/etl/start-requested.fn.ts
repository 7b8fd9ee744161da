import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { noteStartRefusal } from '#store/triggered-run';
import { startTriggered } from './triggered.ts';

export const deploy = eventDeploy('etl-start-requested');

export const handler = onEvent('etl-start-requested', 'etl-start-requested', {
  handle: (payload, { store }) => startTriggered(store, payload),
  fail: (payload, failure, { store }) => noteStartRefusal(store, 'etl', payload, failure),
});
