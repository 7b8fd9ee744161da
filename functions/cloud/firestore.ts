import { type DocumentData, Firestore, Timestamp, type WriteBatch } from '@google-cloud/firestore';
import { TransientError } from '#core/errors';

/** A document as read: `version` guards a later write against anybody else's in between. */
export interface Snapshot {
  readonly path: string;
  readonly id: string;
  readonly data: DocumentData;
  readonly version: string;
}

/** One write of a batch. `version`: only if the document has not changed since it was read. */
export type Write =
  | { readonly kind: 'create'; readonly path: string; readonly data: DocumentData }
  | { readonly kind: 'update'; readonly path: string; readonly data: DocumentData; readonly version?: string }
  | { readonly kind: 'set'; readonly path: string; readonly data: DocumentData }
  | { readonly kind: 'delete'; readonly path: string; readonly version?: string };

export interface Listing {
  readonly where?: readonly (readonly [
    field: string,
    op: '==' | '<' | '<=' | '>' | '>=' | 'in',
    value: unknown,
  ])[];
  readonly orderBy?: readonly [field: string, direction: 'asc' | 'desc'];
  readonly limit?: number;
  /** Path of the document the page begins after. */
  readonly after?: string;
}

/** A guard of a batch did not hold: somebody else wrote first. Nothing of the batch was written. */
export class ConflictError extends TransientError {}

/** Firestore as the store needs it: reads, guarded batches, lists. Errors are ConflictError or TransientError. */
export interface Database {
  get(path: string): Promise<Snapshot | null>;
  getAll(paths: readonly string[]): Promise<(Snapshot | null)[]>;
  list(collection: string, listing?: Listing): Promise<Snapshot[]>;
  /** Documents of every collection named `id`, wherever it is. */
  listGroup(id: string, listing?: Listing): Promise<Snapshot[]>;
  /** All of `writes` or none. At most 500. */
  commit(writes: readonly Write[]): Promise<void>;
  deleteTree(path: string): Promise<void>;
  close(): Promise<void>;
}

// gRPC status codes that Firestore answers a failed guard with: NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED.
const CONFLICTS: readonly unknown[] = [5, 6, 9, 10];

/** The database of `projectId`; the emulator where FIRESTORE_EMULATOR_HOST says so (the client's own convention). */
export function openDatabase(projectId: string): Database {
  const firestore = new Firestore({ projectId, ignoreUndefinedProperties: false });

  const query = (base: FirebaseFirestore.Query, listing: Listing) => {
    let q = base;
    for (const [field, op, value] of listing.where ?? []) q = q.where(field, op, value);
    if (listing.orderBy) q = q.orderBy(...listing.orderBy);
    return listing.limit === undefined ? q : q.limit(listing.limit);
  };
  const run = async (base: FirebaseFirestore.Query, listing: Listing = {}): Promise<Snapshot[]> => {
    let q = query(base, listing);
    if (listing.after !== undefined) {
      const cursor = await firestore.doc(listing.after).get();
      if (!cursor.exists) return [];
      q = q.startAfter(cursor);
    }
    return (await q.get()).docs.map(toSnapshot);
  };

  return {
    get: (path) => guard(async () => toSnapshotOrNull(await firestore.doc(path).get())),
    getAll: (paths) =>
      guard(async () =>
        paths.length === 0
          ? []
          : (await firestore.getAll(...paths.map((path) => firestore.doc(path)))).map(toSnapshotOrNull),
      ),
    list: (collection, listing) => guard(() => run(firestore.collection(collection), listing)),
    listGroup: (id, listing) => guard(() => run(firestore.collectionGroup(id), listing)),
    commit: (writes) =>
      guard(async () => {
        const batch = firestore.batch();
        for (const write of writes) addTo(batch, firestore, write);
        await batch.commit();
      }),
    deleteTree: (path) => guard(() => firestore.recursiveDelete(firestore.doc(path))),
    close: () => firestore.terminate(),
  };
}

function addTo(batch: WriteBatch, firestore: Firestore, write: Write): void {
  const ref = firestore.doc(write.path);
  switch (write.kind) {
    case 'create':
      batch.create(ref, write.data);
      return;
    case 'set':
      batch.set(ref, write.data);
      return;
    case 'update':
      if (write.version === undefined) batch.update(ref, write.data);
      else batch.update(ref, write.data, { lastUpdateTime: toTimestamp(write.version) });
      return;
    case 'delete':
      if (write.version === undefined) batch.delete(ref);
      else batch.delete(ref, { lastUpdateTime: toTimestamp(write.version) });
  }
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (CONFLICTS.includes(code))
      throw new ConflictError('conflict', 'The record was changed by somebody else at the same time.', {
        remedy: 'Read it again and repeat the change.',
        cause: error,
      });
    throw new TransientError('database-unavailable', 'Firestore did not answer.', {
      remedy: 'Try again in a moment.',
      cause: error,
    });
  }
}

function toSnapshotOrNull(doc: FirebaseFirestore.DocumentSnapshot): Snapshot | null {
  return doc.exists ? toSnapshot(doc) : null;
}

function toSnapshot(doc: FirebaseFirestore.DocumentSnapshot): Snapshot {
  const time = doc.updateTime;
  return {
    path: doc.ref.path,
    id: doc.id,
    data: doc.data() ?? {},
    version: time === undefined ? '' : `${time.seconds}:${time.nanoseconds}`,
  };
}

function toTimestamp(version: string): Timestamp {
  const [seconds, nanoseconds] = version.split(':');
  return new Timestamp(Number(seconds), Number(nanoseconds));
}
