import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { failStaleTests } from './watch.ts';

export const deploy = eventDeploy('tick');

export const handler = onEvent('connection-tests-watch', 'tick', {
  handle: (_, { store }) => failStaleTests(store),
  // The next tick does what this one could not.
  fail: async () => undefined,
});
