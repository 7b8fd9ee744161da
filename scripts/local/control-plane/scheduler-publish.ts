import type { PublishMessage } from './scheduler.ts';

/** Publishes to the Pub/Sub emulator at `host` without a client library; refuses everything where there is none. */
export function publishVia(host: string | undefined): PublishMessage {
  return async (topic, message) => {
    if (host === undefined) throw new Error('this local cloud has no Pub/Sub');
    const response = await fetch(`http://${host}/v1/${topic}:publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [message] }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`${topic} answered ${response.status}: ${await response.text()}`);
  };
}
