import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { fireByClock } from './fire.ts';

export const deploy = eventDeploy('schedule-fired');

export const handler = onEvent('schedules-schedule-fired', 'schedule-fired', {
  handle: (key, { store }, { publishedAt }) => fireByClock(store, key, publishedAt ?? store.clock()),
  // The watch wakes the schedule again within minutes.
  fail: () => Promise.resolve(),
});
