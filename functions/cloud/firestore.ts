import { type DocumentData, FieldPath, Firestore, Timestamp, type WriteBatch } from '@google-cloud/firestore';
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

/** Conditions that all must hold. The field `__name__` is the document's id. */
export type Where = readonly (readonly [
  field: string,
  op: '==' | '<' | '<=' | '>' | '>=' | 'in',
  value: unknown,
])[];

export interface Listing {
  readonly where?: Where;
  readonly orderBy?: readonly [field: string, direction: 'asc' | 'desc'];
  readonly limit?: number;
  /** Path of the document the page begins after. Where the order is by a field and it is gone: `cursor-gone`. */
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
  /** How many documents of a collection a listing would find; nothing of them is read. */
  count(collection: string, listing?: Listing): Promise<number>;
  /** Paths of the collections right below a document, whether the document itself exists or not. */
  collections(path: string): Promise<string[]>;
  /** Paths of a collection's documents, those included that do not exist and have documents below them. */
  documents(collection: string): Promise<string[]>;
  /** Deletes a document and everything below it, whether it exists itself or not; says how many documents went. */
  deleteTree(path: string): Promise<number>;
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
      const ref = firestore.doc(listing.after);
      if (isByPath(listing)) q = q.orderBy(FieldPath.documentId()).startAfter(ref);
      else {
        const cursor = await ref.get();
        if (!cursor.exists) throw cursorGone(listing.after);
        q = q.startAfter(cursor);
      }
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
    count: (collection, listing = {}) =>
      guard(async () => (await query(firestore.collection(collection), listing).count().get()).data().count),
    collections: (path) =>
      guard(async () => (await firestore.doc(path).listCollections()).map((one) => one.path)),
    documents: (collection) =>
      guard(async () => (await firestore.collection(collection).listDocuments()).map((one) => one.path)),
    deleteTree: (path) =>
      guard(async () => {
        let deleted = 0;
        const writer = firestore.bulkWriter();
        writer.onWriteResult(() => void deleted++);
        await firestore.recursiveDelete(firestore.doc(path), writer);
        await writer.close();
        return deleted;
      }),
    close: () => firestore.terminate(),
  };
}

/** A list in the order of its documents' paths goes on after any, whether it is still there or not. */
function isByPath({ orderBy, where = [] }: Listing): boolean {
  return orderBy === undefined && where.every(([field, op]) => op === '==' || field === '__name__');
}

/** A list that ended where its cursor was removed would look complete. */
export function cursorGone(after: string): TransientError {
  const id = after.split('/').at(-1);
  return new TransientError(
    'cursor-gone',
    `The list cannot go on after "${id}": that is not there any more.`,
    {
      remedy: 'Read the list from its beginning again.',
    },
  );
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
    if (error instanceof TransientError) throw error;
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
