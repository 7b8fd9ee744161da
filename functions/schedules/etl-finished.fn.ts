import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { seeToEtlEnd } from './after-etl.ts';

export const deploy = eventDeploy('etl-finished');

export const handler = onEvent('schedules-etl-finished', 'etl-finished', {
  handle: (ended, { store }) => seeToEtlEnd(store, ended),
  // Kept as a dead letter, which can be played again.
  fail: () => Promise.resolve(),
});
