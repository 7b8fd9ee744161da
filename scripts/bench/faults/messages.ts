/* Pub/Sub on a bad day: each message comes once or several times, in any order, some of them very late. */
import type { Bus } from '#cloud/pubsub';
import { toError } from '#core/errors';
import type { Dice } from './random.ts';

interface Waiting {
  readonly topic: string;
  readonly payload: Readonly<Record<string, string>>;
  readonly attempt: number;
}

/** Tries of a message before it is given up, as the runtime makes them. */
const MAX_ATTEMPTS = 8;

export interface Messages {
  readonly bus: Bus;
  /** Nothing is delivered any more; resolves when nothing is being handled. */
  readonly close: () => Promise<void>;
}

/**
 * A bus that hands what is published to `handlers`, by topic; `fail` gets what could not be handled. Where `loses` says
 * so a message is not taken at all: what is in the outbox then comes later.
 */
export function openMessages(
  dice: Dice,
  handlers: Readonly<Record<string, (payload: Readonly<Record<string, string>>) => Promise<void>>>,
  fail: (topic: string, payload: Readonly<Record<string, string>>, error: unknown) => Promise<void>,
  told: (fault: string) => void,
): Messages {
  const timers = new Set<NodeJS.Timeout>();
  const handled = new Set<Promise<void>>();
  let closed = false;
  const later = (message: Waiting, milliseconds: number): void => {
    if (closed) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      const delivery = deliver(message).finally(() => handled.delete(delivery));
      handled.add(delivery);
    }, milliseconds);
    timers.add(timer);
  };
  const deliver = async (message: Waiting): Promise<void> => {
    const { topic, payload, attempt } = message;
    try {
      await handlers[topic]?.(payload);
    } catch (error) {
      const terminal = error instanceof Error && error.name === 'TerminalError';
      if (!terminal && attempt < MAX_ATTEMPTS) later({ ...message, attempt: attempt + 1 }, 400 * attempt);
      else await fail(topic, payload, toError(error)).catch(() => undefined);
    }
  };
  return {
    bus: {
      publish(topic, payload) {
        if (dice.chance(0.05)) {
          told('publish-failed');
          return Promise.reject(new Error('not taken'));
        }
        // Every payload of these topics is ids.
        const message = { topic, payload: payload as Record<string, string>, attempt: 1 };
        later(message, dice.whole(0, 300));
        if (dice.chance(0.5)) {
          told('message-again');
          later(message, dice.whole(0, 300));
        }
        if (dice.chance(0.35)) {
          told('message-late');
          later(message, dice.whole(1000, 15_000));
        }
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    },
    async close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(handled);
    },
  };
}
