import {
  collection,
  connectFirestoreEmulator,
  doc,
  documentId,
  type Firestore,
  initializeFirestore,
  limit,
  onSnapshot,
  orderBy,
  type Query,
  query,
} from 'firebase/firestore';
import { firebase } from './firebase.ts';

/*
 * Loaded only by pages with live state: it is by far the largest part of the application.
 */

let opening: Promise<Firestore> | undefined;

function database(): Promise<Firestore> {
  opening ??= firebase().then(({ app, emulators }) => {
    const db = initializeFirestore(app, {});
    if (emulators !== undefined)
      connectFirestoreEmulator(db, emulators.firestore.host, emulators.firestore.port);
    return db;
  });
  return opening;
}

/** Tells the document's data now and at each change; null where there is none. Returns what ends it. */
export async function listenDocument(
  path: string,
  tell: (data: unknown) => void,
  fail: (error: unknown) => void,
): Promise<() => void> {
  return onSnapshot(doc(await database(), path), (found) => tell(found.exists() ? found.data() : null), fail);
}

/** How a collection is listed: by creation, newest first; by id; or as it comes. */
export interface Listing {
  readonly by?: 'newest' | 'id';
  readonly limit?: number;
}

/** Tells the collection's documents now and at each change. Returns what ends it. */
export async function listenCollection(
  path: string,
  listing: Listing,
  tell: (data: unknown[]) => void,
  fail: (error: unknown) => void,
): Promise<() => void> {
  const all = collection(await database(), path);
  const ordered: Query =
    listing.by === 'newest'
      ? query(all, orderBy('createdAt', 'desc'), limit(listing.limit ?? 20))
      : query(all, orderBy(documentId()), limit(listing.limit ?? 200));
  return onSnapshot(ordered, (found) => tell(found.docs.map((one) => one.data())), fail);
}
