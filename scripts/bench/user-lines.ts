import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { History } from '../../functions/recommender/data.ts';

/*
 * Files of public benchmarks: one line per user, its id and then the ids of its items, apart by blanks (NGCF, LightGCN
 * and their successors). Ids are any words; empty lines say nothing; a user's lines add up and an item counts once. What
 * begins as gzip does is unpacked on the way, whatever its name.
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

/**
 * Reads a file line by line. `known`: the ids of a file read before, which grow; so train and test share them. What cannot be
 * read is an Error that names the file and the line.
 */
export async function readUserLines(
  path: string,
  known: Pick<UserLines, 'users' | 'items'> = { users: makeIds(), items: makeIds() },
): Promise<UserLines> {
  const { users, items } = known;
  const rows: (number[] | undefined)[] = [];
  let [line, pairs] = [0, 0];
  try {
    for await (const text of linesOf(path)) {
      line++;
      // A mark of the byte order is part of no id.
      const words = (line === 1 ? text.replace(/^\uFEFF/, '') : text).trim().split(/\s+/);
      const [user, ...bought] = words;
      if (user === undefined || user === '') continue;
      const odd = words.find((word) => UNREADABLE.test(word));
      if (odd !== undefined)
        throw new Error(
          `${JSON.stringify(odd.slice(0, 40))} is no id: the file is to be UTF-8 text, one line per user: its id and the ids of its items, apart by blanks`,
        );
      const row = (rows[users.id(user)] ??= []);
      for (const word of bought) row.push(items.id(word));
      pairs += bought.length;
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(line === 0 ? `${path}: ${reason}` : `${path}, line ${line}: ${reason}`, { cause });
  }
  if (pairs === 0)
    throw new Error(
      `${path}: none of its ${line} lines has an item; each is a user's id and then the ids of its items, apart by blanks`,
    );
  return {
    users,
    items,
    rows: Array.from({ length: users.keys.length }, (_, user) => Int32Array.from(new Set(rows[user])).sort()),
  };
}

/** No text: control characters, and what stands for bytes that are no UTF-8. */
// oxlint-disable-next-line no-control-regex
const UNREADABLE = /[\u0000-\u001f\u007f\ufffd]/;

/** How gzip begins. */
const [GZIP_0, GZIP_1] = [0x1f, 0x8b];

async function* linesOf(path: string): AsyncGenerator<string> {
  const start = Buffer.alloc(2);
  const handle = await open(path);
  try {
    await handle.read(start, 0, 2, 0);
  } finally {
    await handle.close();
  }
  const file = createReadStream(path);
  const unpacked = start[0] === GZIP_0 && start[1] === GZIP_1 ? file.pipe(createGunzip()) : file;
  // A pipe does not hand on the errors of its source, and the lines' reader none of either.
  if (unpacked !== file) file.on('error', (error) => unpacked.destroy(error));
  let failure: Error | undefined;
  unpacked.on('error', (error: Error) => (failure = error));
  yield* createInterface({ input: unpacked, crlfDelay: Infinity });
  if (failure) throw failure;
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
