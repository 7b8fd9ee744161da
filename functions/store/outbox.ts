import type { Snapshot } from '#cloud/firestore';
import { toError } from '#core/errors';
import { type GivenUp, isTopic, LONGEST_DATA } from '#core/dead-letter';
import { DEAD_LETTER_TOPIC } from '#core/events';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { type Store, traceAttributes } from './store.ts';

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
  const requestId: unknown = entry.data['requestId'];
  const attributes = traceAttributes(typeof requestId === 'string' ? requestId : null);
  if (typeof topic === 'string' && isTopic(topic))
    await store.bus.publish(topic, entry.data['payload'], attributes);
  // A version that is gone wrote it. It will never be a message, and a person should see it.
  else {
    const letter: GivenUp = {
      topic: String(topic),
      data: JSON.stringify(entry.data['payload'] ?? null).slice(0, LONGEST_DATA),
      reason: `there is no topic ${JSON.stringify(topic)}`,
      function: 'control-plane-outbox',
      attempts: null,
    };
    await store.bus.publish(DEAD_LETTER_TOPIC, letter, attributes);
  }
  await store.db.commit([{ kind: 'delete', path: entry.path }]);
}
