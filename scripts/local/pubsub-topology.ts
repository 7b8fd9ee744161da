import { DEAD_LETTER_TOPIC, EVENTS, MAX_DELIVERIES } from '#core/events';

/** A function that a topic triggers. */
export interface TriggeredFunction {
  readonly name: string;
  readonly topic: string;
  readonly timeoutSeconds: number;
}

/** What has to exist in Pub/Sub: the requests that make it, in order (path below `/v1/`, body). */
export interface Topology {
  readonly topics: readonly string[];
  readonly subscriptions: readonly {
    readonly name: string;
    readonly body: Readonly<Record<string, unknown>>;
  }[];
}

/**
 * Topics of every event and of every function, one push subscription per function (back-off 1 to 60 s, then the
 * dead-letter topic), and a pull subscription that keeps dead letters for whoever looks.
 * @param origin address of the functions' front door
 * @param maxDeliveries deliveries before Pub/Sub dead-letters, 5 to 100
 */
export function planTopology(
  project: string,
  origin: string,
  functions: readonly TriggeredFunction[],
  maxDeliveries: number = MAX_DELIVERIES,
): Topology {
  const topicPath = (topic: string): string => `projects/${project}/topics/${topic}`;
  const topics = [
    ...new Set([...Object.keys(EVENTS), ...functions.map(({ topic }) => topic), DEAD_LETTER_TOPIC]),
  ];
  const pushed = functions.map(({ name, topic, timeoutSeconds }) => ({
    name: `eventarc-${name}`,
    body: {
      topic: topicPath(topic),
      ackDeadlineSeconds: Math.min(600, Math.max(10, timeoutSeconds)),
      pushConfig: { pushEndpoint: `${origin}/${name}` },
      retryPolicy: { minimumBackoff: '1s', maximumBackoff: '60s' },
      // A dead letter that fails again would go round for ever.
      ...(topic === DEAD_LETTER_TOPIC
        ? {}
        : {
            deadLetterPolicy: {
              deadLetterTopic: topicPath(DEAD_LETTER_TOPIC),
              maxDeliveryAttempts: maxDeliveries,
            },
          }),
    },
  }));
  const kept = {
    name: `${DEAD_LETTER_TOPIC}-kept`,
    body: { topic: topicPath(DEAD_LETTER_TOPIC), ackDeadlineSeconds: 10 },
  };
  return { topics, subscriptions: [...pushed, kept] };
}

/** Makes everything in `topology` that the emulator at `origin` does not have yet. */
export async function applyTopology(project: string, origin: string, topology: Topology): Promise<void> {
  await Promise.all(
    topology.topics.map((topic) => put(`${origin}/v1/projects/${project}/topics/${topic}`, {})),
  );
  await Promise.all(
    topology.subscriptions.map(({ name, body }) =>
      put(`${origin}/v1/projects/${project}/subscriptions/${name}`, body),
    ),
  );
}

/** Publishes one JSON message without a client library. */
export async function publish(
  project: string,
  origin: string,
  topic: string,
  payload: unknown,
): Promise<void> {
  const data = Buffer.from(JSON.stringify(payload)).toString('base64');
  const response = await fetch(`${origin}/v1/projects/${project}/topics/${topic}:publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ data }] }),
  });
  if (!response.ok)
    throw new Error(`publishing to ${topic} answered ${response.status}: ${await response.text()}`);
}

async function put(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok && response.status !== 409)
    throw new Error(`${url} answered ${response.status}: ${answer}`);
}
