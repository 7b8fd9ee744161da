import { PubSub } from '@google-cloud/pubsub';
import { TransientError } from '#core/errors';
import type { Topic } from '#core/events';

/** Publishes messages; resolves once Pub/Sub has them. */
export interface Bus {
  publish(
    topic: Topic | 'dead-letter',
    payload: unknown,
    attributes?: Readonly<Record<string, string>>,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Pub/Sub of `projectId`; the emulator where PUBSUB_EMULATOR_HOST says so. */
export function openBus(projectId: string): Bus {
  const pubsub = new PubSub({ projectId });
  return {
    async publish(topic, payload, attributes = {}) {
      try {
        // A message at a time: waiting 10 ms to batch would only delay what follows.
        await pubsub
          .topic(topic, { batching: { maxMessages: 1 } })
          .publishMessage({ json: payload, attributes: { ...attributes } });
      } catch (error) {
        throw new TransientError('publish-failed', `Pub/Sub did not take a message for ${topic}.`, {
          remedy: 'Nothing is lost: it is published again within a minute.',
          cause: error,
        });
      }
    },
    close: () => pubsub.close(),
  };
}
