import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { noticeEtl } from './ended.ts';

export const deploy = eventDeploy('etl-finished');

export const handler = onEvent('alerts-etl-finished', 'etl-finished', {
  handle: (ended, { store }) => noticeEtl(store, ended),
  // Kept as a dead letter, which can be played again.
  fail: () => Promise.resolve(),
});
