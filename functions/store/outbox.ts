import type { Snapshot } from '#cloud/firestore';
import { toError } from '#core/errors';
import { DEAD_LETTER_TOPIC, EVENTS, type Topic } from '#core/events';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

/** Entries taken at a time; so many wait for Pub/Sub together that one which is not taken costs no more than its own wait. */
const BATCH = 20;

/** What became of the entries looked at. `failures`: why those that are still there were not published. */
export interface Published {
  readonly published: number;
  readonly failures: readonly string[];
}

/**
 * Publishes outbox entries older than `ageSeconds` that a dying process left behind. May publish twice; never loses one.
 * An entry that cannot be published stays, and keeps no other waiting.
 */
export async function publishOutbox(store: Store, ageSeconds: number): Promise<Published> {
  const before = toMoment(store.clock() - ageSeconds * 1000);
  const entries = await store.db.list(paths.outbox, { where: [['createdAt', '<', before]], limit: 200 });
  const failures: string[] = [];
  let published = 0;
  for (let from = 0; from < entries.length; from += BATCH) {
    const batch = entries.slice(from, from + BATCH);
    const results = await Promise.allSettled(batch.map((entry) => publishOne(store, entry)));
    for (const [index, result] of results.entries())
      if (result.status === 'fulfilled') published++;
      else failures.push(`${batch[index]?.path ?? ''}: ${toError(result.reason).message}`);
    // A whole batch in vain: Pub/Sub is away, and the rest would only wait as long.
    if (results.every((one) => one.status === 'rejected')) break;
  }
  return { published, failures };
}

async function publishOne(store: Store, entry: Snapshot): Promise<void> {
  const topic: unknown = entry.data['topic'];
  if (isTopic(topic)) await store.bus.publish(topic, entry.data['payload']);
  // A version that is gone wrote it. It will never be a message, and a person should see it.
  else
    await store.bus.publish(DEAD_LETTER_TOPIC, {
      topic,
      data: JSON.stringify(entry.data['payload'] ?? null).slice(0, 10_000),
      reason: `there is no topic ${JSON.stringify(topic)}`,
    });
  await store.db.commit([{ kind: 'delete', path: entry.path }]);
}

function isTopic(value: unknown): value is Topic {
  return typeof value === 'string' && Object.hasOwn(EVENTS, value);
}
