import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { seeToEtlEnd } from './after-etl.ts';
import { concludeRun } from './conclude.ts';

export const deploy = eventDeploy('etl-finished');

export const handler = onEvent('schedules-etl-finished', 'etl-finished', {
  async handle(ended, { store }) {
    await concludeRun(store, ended, { kind: 'etl', id: ended.run });
    await seeToEtlEnd(store, ended);
  },
  // Kept as a dead letter, which can be played again.
  fail: () => Promise.resolve(),
});
