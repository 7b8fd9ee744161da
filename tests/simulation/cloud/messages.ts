/* Pub/Sub with push subscriptions: at least once, in any order, tried again with back-off until acknowledged. */
import type { Bus } from '#cloud/pubsub';
import type { Kernel } from '../kernel.ts';

/** A function that hears a topic. */
export interface Subscriber {
  readonly name: string;
  readonly topic: string;
  readonly timeoutSeconds: number;
  readonly handler: (event: unknown) => unknown;
}

interface Message {
  readonly subscriber: Subscriber;
  readonly id: string;
  readonly number: number;
  readonly publishTime: string;
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tenant: string | null;
  acknowledged: boolean;
  deliveries: number;
}

export interface SimulatedMessages {
  readonly client: Bus;
  /** Publishes without a process: Cloud Scheduler, or a test. */
  send(topic: string, payload: unknown): void;
  /** Messages that are not acknowledged, and duplicates that are still to come. */
  waiting(): number;
  /** The topic and payload of everything that was published, as text. */
  readonly published: ReadonlySet<string>;
  /** What was published to the topic of dead letters. */
  readonly dead: unknown[];
}

/** Pub/Sub's own limits: it waits so long for an answer that does not come, and gives a message up after so many deliveries. */
const MAX_DELIVERIES = 20;
const BACKOFF_SECONDS = { least: 10, most: 600 } as const;

/** Pub/Sub with these subscriptions. */
export function makeMessages(kernel: Kernel, subscribers: readonly Subscriber[]): SimulatedMessages {
  const { scheduler, random, faults, processes } = kernel;
  const dead: unknown[] = [];
  const published = new Set<string>();
  const newestDelivered = new Map<string, number>();
  let numbers = 0;
  let waiting = 0;
  const after = (milliseconds: number, happen: () => void) =>
    scheduler.at(scheduler.now() + milliseconds, happen);

  const deliver = (message: Message) => {
    const { subscriber, id, publishTime, data, attributes, number } = message;
    const newest = newestDelivered.get(subscriber.name) ?? 0;
    if (message.deliveries === 0 && number < newest) faults.fired.reordered++;
    newestDelivered.set(subscriber.name, Math.max(newest, number));
    message.deliveries++;
    let answered = false;
    const again = () => {
      if (answered) return;
      answered = true;
      if (message.acknowledged) return;
      if (message.deliveries >= MAX_DELIVERIES) {
        dead.push({ topic: subscriber.topic, id });
        done(message);
        return;
      }
      const backoff = Math.min(BACKOFF_SECONDS.least * 2 ** (message.deliveries - 1), BACKOFF_SECONDS.most);
      after(backoff * 1000, () => {
        if (!message.acknowledged) deliver(message);
      });
    };
    const event = {
      id,
      type: 'google.cloud.pubsub.topic.v1.messagePublished',
      time: publishTime,
      data: { message: { data, messageId: id, publishTime, attributes } },
    };
    const process = processes.spawn({
      name: subscriber.name,
      tenant: message.tenant,
      work: async () => subscriber.handler(event),
      onEnd(ending) {
        if (ending === 'done' && !answered) {
          answered = true;
          done(message);
        } else if (ending !== 'done') again();
      },
    });
    // The caller gives up waiting; whether the instance goes on is the platform's business.
    after(subscriber.timeoutSeconds * 1000, () => {
      if (process.state !== 'running') return;
      again();
      if (random.chance(0.5)) processes.kill(process);
    });
  };
  const done = (message: Message) => {
    if (message.acknowledged) return;
    message.acknowledged = true;
    waiting--;
  };
  const send = (topic: string, payload: unknown, attributes: Readonly<Record<string, string>> = {}) => {
    if (topic === 'dead-letter') dead.push(payload);
    published.add(`${topic} ${JSON.stringify(payload)}`);
    for (const subscriber of subscribers.filter((one) => one.topic === topic)) {
      const number = ++numbers;
      const tenant: unknown = Object(payload)['tenant'];
      const message: Message = {
        subscriber,
        id: String(number),
        number,
        publishTime: new Date(scheduler.now()).toISOString(),
        data: Buffer.from(JSON.stringify(payload)).toString('base64'),
        attributes,
        tenant: typeof tenant === 'string' ? tenant : null,
        acknowledged: false,
        deliveries: 0,
      };
      waiting++;
      kernel.trace(() => `message ${number} ${topic} for ${subscriber.name} ${JSON.stringify(payload)}`);
      const first = faults.ofMessage('delayed') ? random.between(10_000, 400_000) : random.between(5, 400);
      // Lost on its way: Pub/Sub waits for an answer in vain and sends it again.
      const lost = faults.ofMessage('lost') ? random.between(30_000, 130_000) : 0;
      after(first + lost, () => deliver(message));
      if (!faults.ofMessage('duplicated')) continue;
      waiting++;
      after(first + random.pick([0, 1, 20, 500, 60_000, 300_000]), () => {
        waiting--;
        deliver(message);
      });
    }
  };
  return {
    client: {
      publish: (topic, payload, attributes) =>
        processes.call(`publish ${topic}`, () => send(topic, payload, attributes), {
          fail: () => new kernel.errors.TransientError('publish-failed', `Pub/Sub did not take ${topic}.`),
        }),
      close: () => Promise.resolve(),
    },
    send,
    waiting: () => waiting,
    published,
    dead,
  };
}
