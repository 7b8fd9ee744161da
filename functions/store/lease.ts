import { z } from 'zod';
import { ConflictError, type Write } from '#cloud/firestore';
import { TransientError } from '#core/errors';
import type { Store } from './store.ts';

/** How long a lease lasts unless renewed; renewed every third of it. */
export const LEASE_SECONDS = 30;

const LeaseDocument = z.object({ holder: z.string(), fence: z.int(), expiresAt: z.number() });

/** A right to work on something until `expiresAt`. `fence` grows with every holder: a late one is told apart. */
export interface Lease {
  readonly path: string;
  readonly holder: string;
  readonly fence: number;
}

/** Thrown by fenced commits and by work whose lease went to somebody else. */
export class LeaseLostError extends TransientError {}

/**
 * Takes the lease if it is free, expired or already `holder`'s; null while somebody else holds it. `isDead`: what is known
 * otherwise of a holder, whose lease then need not run out; should it live after all, the fence keeps it from writing.
 */
export async function acquireLease(
  store: Store,
  path: string,
  holder: string,
  isDead: (holder: string) => boolean = () => false,
): Promise<Lease | null> {
  const expiresAt = store.clock() + LEASE_SECONDS * 1000;
  const found = await store.db.get(path);
  const current = found === null ? null : LeaseDocument.parse(found.data);
  const held = current !== null && current.expiresAt > store.clock() && current.holder !== holder;
  if (held && !isDead(current.holder)) return null;
  const fence = (current?.fence ?? 0) + 1;
  const data = { holder, fence, expiresAt };
  try {
    await store.db.commit([
      found === null
        ? { kind: 'create', path, data }
        : { kind: 'update', path, data, version: found.version },
    ]);
    return { path, holder, fence };
  } catch (error) {
    if (error instanceof ConflictError) return null;
    throw error;
  }
}

/**
 * Commits `writes` only while the lease is still ours; renews it on the way. A holder that was paused past its lease
 * and has been succeeded commits nothing.
 * @throws LeaseLostError
 */
export async function commitFenced(store: Store, lease: Lease, writes: readonly Write[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const found = await store.db.get(lease.path);
    const current = found === null ? null : LeaseDocument.parse(found.data);
    if (found === null || current?.fence !== lease.fence || current.holder !== lease.holder)
      throw lost(lease);
    const data = { ...current, expiresAt: store.clock() + LEASE_SECONDS * 1000 };
    try {
      await store.db.commit([...writes, { kind: 'update', path: lease.path, data, version: found.version }]);
      return;
    } catch (error) {
      // Our own renewal may have come in between: look again, a few times.
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
    }
  }
}

/** The store for whoever holds the lease: each of its commits is made only while the lease is still ours. */
export function fencedStore(store: Store, lease: Lease): Store {
  const commit = (writes: readonly Write[]) => commitFenced(store, lease, writes);
  // A database with another `commit`: all else is the one below, however that is made.
  const db = Object.assign(Object.create(store.db) as Store['db'], { commit });
  return Object.assign(Object.create(store) as Store, { db });
}

/**
 * Lets go, so that the next holder need not wait for the lease to expire. Harmless if it is already lost: what a successor
 * has written, its fence above all, stays.
 */
export async function releaseLease(store: Store, lease: Lease): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const found = await store.db.get(lease.path);
    const current = found === null ? null : LeaseDocument.parse(found.data);
    if (found === null || current?.fence !== lease.fence || current.holder !== lease.holder) return;
    const data = { ...current, holder: '', expiresAt: 0 };
    try {
      await store.db.commit([{ kind: 'update', path: lease.path, data, version: found.version }]);
      return;
    } catch (error) {
      // Our own renewal may have come in between, as in commitFenced.
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
    }
  }
}

/** When the lease at `path` runs out, in milliseconds since the epoch; 0 where there is none. */
export async function leaseExpiry(store: Pick<Store, 'db'>, path: string): Promise<number> {
  const found = await store.db.get(path);
  return found === null ? 0 : LeaseDocument.parse(found.data).expiresAt;
}

/**
 * Does `work` under the lease, renewing it meanwhile. `signal` fires when the lease is lost or `outer` fires.
 * @returns null where somebody else holds the lease.
 */
export async function withLease<T>(
  store: Store,
  path: string,
  holder: string,
  outer: AbortSignal,
  work: (lease: Lease, signal: AbortSignal) => Promise<T>,
  isDead?: (holder: string) => boolean,
): Promise<T | null> {
  const lease = await acquireLease(store, path, holder, isDead);
  if (lease === null) return null;
  const losing = new AbortController();
  const timer = setInterval(
    () => {
      commitFenced(store, lease, []).catch((error: unknown) => {
        // A renewal that failed for another reason is tried again at the next beat; there are three in a lease.
        if (error instanceof LeaseLostError) losing.abort(error);
      });
    },
    (LEASE_SECONDS * 1000) / 3,
  );
  try {
    return await work(lease, AbortSignal.any([outer, losing.signal]));
  } finally {
    clearInterval(timer);
    await releaseLease(store, lease);
  }
}

function lost(lease: Lease): LeaseLostError {
  return new LeaseLostError(
    'lease-lost',
    `The lease ${lease.path} (fence ${lease.fence}) went to somebody else.`,
  );
}
