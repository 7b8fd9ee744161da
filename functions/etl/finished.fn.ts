import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { startWaiting } from './waiting.ts';

export const deploy = eventDeploy('etl-finished');

export const handler = onEvent('etl-finished', 'etl-finished', {
  handle: (payload, { store }) => startWaiting(store, payload),
  // The watch starts it.
  fail: async () => undefined,
});
