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

/**
 * How long Pub/Sub may take for one message, the client's own retries included. The client's default is ten minutes, far
 * longer than a request or a tick may last; what is not taken in time waits in the outbox.
 */
const PUBLISH_SECONDS = 8;

/** Pub/Sub of `projectId`; the emulator where PUBSUB_EMULATOR_HOST says so. */
export function openBus(projectId: string, publishSeconds = PUBLISH_SECONDS): Bus {
  const pubsub = new PubSub({ projectId });
  return {
    async publish(topic, payload, attributes = {}) {
      try {
        // A message at a time: waiting 10 ms to batch would only delay what follows.
        await pubsub
          .topic(topic, { batching: { maxMessages: 1 }, gaxOpts: { timeout: publishSeconds * 1000 } })
          .publishMessage({
            json: payload,
            // By the topic's name a message is known where Pub/Sub itself has put it among the dead letters.
            attributes: { ...attributes, topic },
          });
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
