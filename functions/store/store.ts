import { createHash } from 'node:crypto';
import type { Database, Write } from '#cloud/firestore';
import type { Bus } from '#cloud/pubsub';
import type { Announcement } from '#core/events';
import { newId, toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { currentTrace, nextIdSeed } from './trace.ts';

/** What reads and guarded writes stand on. Clock and randomness come in from outside. */
export interface Store {
  readonly db: Database;
  readonly bus: Bus;
  readonly clock: () => number;
  /** `n` random bytes. */
  readonly random: (n: number) => Uint8Array;
}

/**
 * A new id with the noun's letter. In a request that carries an Idempotency-Key the same request, repeated, makes the
 * same ids in the same order: what is created under them is created once.
 */
export function makeId(store: Store, prefix: string): string {
  const seed = nextIdSeed();
  return seed === null ? randomId(store, prefix) : idFrom(prefix, seed);
}

/** A new id that no other call ever makes. */
function randomId(store: Pick<Store, 'random'>, prefix: string): string {
  return newId(prefix, store.random(15));
}

/** The id that `seed` stands for: always the same. */
export function idFrom(prefix: string, seed: string): string {
  return newId(prefix, createHash('sha256').update(`${prefix}\n${seed}`).digest());
}

/** Now, as a Moment. */
export function now(store: Pick<Store, 'clock'>): string {
  return toMoment(store.clock());
}

/** Who did what, or was refused: written with the change itself. */
export interface AuditEntry {
  readonly tenant: string;
  /** A person's uid, `key:<id>` of an API key, or `system`. */
  readonly actor: string;
  /** `<noun>.<verb>`, e.g. `source.update`. */
  readonly action: string;
  /** Path of the document it is about. */
  readonly target: string;
  readonly outcome?: 'done' | 'denied';
  /** The fields that changed, as they were and as they are. Never secrets: those are in no document. */
  readonly before?: Fields | null;
  readonly after?: Fields | null;
}
type Fields = Readonly<Record<string, unknown>>;

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
  const announcements = (change.announcements ?? []).map((one) => ({ ...one, id: randomId(store, 'o') }));
  const at = now(store);
  const requestId = currentTrace()?.requestId ?? null;
  await store.db.commit([
    ...change.writes,
    ...announcements.map(({ id, topic, payload }) => ({
      kind: 'create' as const,
      path: paths.outboxEntry(id),
      data: { topic, payload, requestId, createdAt: at },
    })),
    ...(change.audit === undefined ? [] : [auditWrite(store, change.audit)]),
  ]);
  for (const { id, topic, payload } of announcements) await publishEntry(store, id, topic, payload);
}

/**
 * The write that keeps an audit entry. `block`: the block that seals it, once one does (audit-chain.ts).
 * @param id given where the same entry is to be written once, however often it comes
 */
export function auditWrite(
  store: Pick<Store, 'clock' | 'random'>,
  entry: AuditEntry,
  id = randomId(store, 'a'),
): Write {
  return {
    kind: 'create',
    path: paths.audit(entry.tenant, id),
    data: {
      id,
      tenant: entry.tenant,
      at: now(store),
      actor: entry.actor,
      action: entry.action,
      target: entry.target,
      outcome: entry.outcome ?? 'done',
      before: entry.before ?? null,
      after: entry.after ?? null,
      requestId: currentTrace()?.requestId ?? null,
      block: null,
    },
  };
}

/** Publishes one outbox entry and removes it. A failure leaves it for the watchdog: the change itself stands. */
async function publishEntry(
  store: Store,
  id: string,
  topic: Announcement['topic'],
  payload: unknown,
): Promise<void> {
  try {
    await store.bus.publish(topic, payload, traceAttributes(currentTrace()?.requestId ?? null));
    await store.db.commit([{ kind: 'delete', path: paths.outboxEntry(id) }]);
  } catch {
    // Kept in the outbox: publishOutbox will try again.
  }
}

/** What a message says of the request it goes back to. */
export function traceAttributes(requestId: string | null): Record<string, string> {
  return requestId === null ? {} : { requestId };
}
