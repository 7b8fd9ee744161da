import type { Database, Write } from '#cloud/firestore';
import type { Bus } from '#cloud/pubsub';
import type { Announcement } from '#core/events';
import { newId, toMoment } from '#core/ids';
import { paths } from '#core/paths';

/** What reads and guarded writes stand on. Clock and randomness come in from outside. */
export interface Store {
  readonly db: Database;
  readonly bus: Bus;
  readonly clock: () => number;
  /** `n` random bytes. */
  readonly random: (n: number) => Uint8Array;
}

/** A new id with the noun's letter. */
export function makeId(store: Store, prefix: string): string {
  return newId(prefix, store.random(15));
}

/** Now, as a Moment. */
export function now(store: Store): string {
  return toMoment(store.clock());
}

/** Who did what: written with the change itself. */
export interface AuditEntry {
  readonly tenant: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
}

export interface Change {
  readonly writes: readonly Write[];
  /** Published once the writes are committed; kept in the outbox until Pub/Sub has them. */
  readonly announcements?: readonly Announcement[];
  readonly audit?: AuditEntry;
}

/**
 * Commits a change with its outbox and audit entries in one batch, then publishes. A process that dies in between loses
 * nothing: the watchdog publishes what is left in the outbox. So every announcement may come twice.
 * @throws ConflictError if a guard did not hold: nothing was written.
 */
export async function commitChange(store: Store, change: Change): Promise<void> {
  const announcements = (change.announcements ?? []).map((one) => ({ ...one, id: makeId(store, 'o') }));
  const at = now(store);
  await store.db.commit([
    ...change.writes,
    ...announcements.map(({ id, topic, payload }) => ({
      kind: 'create' as const,
      path: paths.outboxEntry(id),
      data: { topic, payload, createdAt: at },
    })),
    ...(change.audit === undefined
      ? []
      : [
          {
            kind: 'create' as const,
            path: paths.audit(change.audit.tenant, makeId(store, 'a')),
            data: { ...change.audit, at },
          },
        ]),
  ]);
  for (const { id, topic, payload } of announcements) await publishEntry(store, id, topic, payload);
}

/** Publishes one outbox entry and removes it. A failure leaves it for the watchdog: the change itself stands. */
async function publishEntry(
  store: Store,
  id: string,
  topic: Announcement['topic'],
  payload: unknown,
): Promise<void> {
  try {
    await store.bus.publish(topic, payload);
    await store.db.commit([{ kind: 'delete', path: paths.outboxEntry(id) }]);
  } catch {
    // Kept in the outbox: publishOutbox will try again.
  }
}
