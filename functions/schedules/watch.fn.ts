import { openScheduler } from '#cloud/scheduler';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { watchSchedules } from './watch.ts';

export const deploy = eventDeploy('tick');

export const handler = onEvent('schedules-watch', 'tick', {
  handle: (_, { store, config, log }) => watchSchedules(store, openScheduler(config), log),
  // The next tick does what this one could not.
  fail: () => Promise.resolve(),
});
