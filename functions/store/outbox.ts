import { EVENTS, type Topic } from '#core/events';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

/**
 * Publishes outbox entries older than `ageSeconds` that a dying process left behind. May publish twice; never loses one.
 * @returns how many were published.
 */
export async function publishOutbox(store: Store, ageSeconds: number): Promise<number> {
  const before = toMoment(store.clock() - ageSeconds * 1000);
  const entries = await store.db.list(paths.outbox, { where: [['createdAt', '<', before]], limit: 200 });
  for (const entry of entries) {
    const topic: unknown = entry.data['topic'];
    if (isTopic(topic)) await store.bus.publish(topic, entry.data['payload']);
    await store.db.commit([{ kind: 'delete', path: entry.path }]);
  }
  return entries.length;
}

function isTopic(value: unknown): value is Topic {
  return typeof value === 'string' && Object.hasOwn(EVENTS, value);
}
