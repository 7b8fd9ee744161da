import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { History } from '../../functions/recommender/data.ts';

/*
 * Files of public benchmarks: one line per user, its id and then the ids of its items, apart by blanks (NGCF, LightGCN
 * and their successors). Ids are any words; a file whose name ends in .gz is unpacked on the way.
 */

/** Dense ids in the order in which words were met. */
export interface Ids {
  readonly keys: string[];
  id(word: string): number;
}

export function makeIds(): Ids {
  const known = new Map<string, number>();
  const keys: string[] = [];
  const id = (word: string) => {
    const found = known.get(word);
    if (found !== undefined) return found;
    known.set(word, keys.length);
    return keys.push(word) - 1;
  };
  return { keys, id };
}

/** What a file says: `rows[user]` holds the user's items, ascending and each once; empty where it has no line. */
export interface UserLines {
  readonly users: Ids;
  readonly items: Ids;
  readonly rows: Int32Array[];
}

/** Reads a file line by line. `known`: the ids of a file read before, which grow; so train and test share them. */
export async function readUserLines(
  path: string,
  known: Pick<UserLines, 'users' | 'items'> = { users: makeIds(), items: makeIds() },
): Promise<UserLines> {
  const { users, items } = known;
  const rows: Int32Array[] = [];
  const file = createReadStream(path);
  const unpacked = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // A pipe does not hand on the errors of its source: a missing file must not hang.
  if (unpacked !== file) file.on('error', (error) => unpacked.destroy(error));
  for await (const line of createInterface({ input: unpacked, crlfDelay: Infinity })) {
    const [user, ...words] = line.trim().split(/\s+/);
    if (user === undefined || user === '') continue;
    const id = users.id(user);
    const bought = [...(rows[id] ?? []), ...words.map((word) => items.id(word))];
    rows[id] = Int32Array.from(new Set(bought)).sort();
  }
  if (users.keys.length === 0)
    throw new Error(`${path} has no line; each is a user's id and the ids of its items`);
  return {
    users,
    items,
    rows: Array.from({ length: users.keys.length }, (_, user) => rows[user] ?? new Int32Array()),
  };
}

/** `rows` as a history without times: each item bought once, on day 0, which is now. */
export function historyOfRows(
  rows: readonly Int32Array[],
  size: { customers: number; items: number },
): History {
  const indptr = new Int32Array(size.customers + 1);
  for (let c = 0; c < size.customers; c++) indptr[c + 1] = indptr[c]! + (rows[c]?.length ?? 0);
  const pairs = indptr[size.customers]!;
  const item = new Int32Array(pairs);
  rows.forEach((row, c) => item.set(row, indptr[c]));
  const buyers = new Int32Array(size.items);
  for (const each of item) buyers[each]!++;
  return {
    ...size,
    asOf: 0,
    indptr,
    item,
    count: new Float32Array(pairs).fill(1),
    first: new Float64Array(pairs),
    last: new Float64Array(pairs),
    quantity: new Float32Array(pairs).fill(1),
    buyers,
  };
}
