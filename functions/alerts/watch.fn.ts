import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { setOffDue } from './watch.ts';

export const deploy = eventDeploy('tick');

export const handler = onEvent('alerts-watch', 'tick', {
  async handle(_, { store }) {
    await setOffDue(store);
  },
  // The next tick does what this one could not.
  fail: () => Promise.resolve(),
});
