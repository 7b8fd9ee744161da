import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { publishOutbox } from '#store/outbox';

/** Younger entries are being published by those who wrote them. */
const AGE_SECONDS = 10;

export const deploy = eventDeploy('tick');

export const handler = onEvent('control-plane-outbox', 'tick', {
  async handle(_, { store, log }) {
    const { published, failures } = await publishOutbox(store, AGE_SECONDS);
    if (published > 0) log.warn('published what was left in the outbox', { published });
    if (failures.length > 0)
      log.error('messages wait in the outbox', { waiting: failures.length, first: failures[0] ?? '' });
  },
  // A tick that failed is followed by another within a minute.
  fail: () => Promise.resolve(),
});
