/* Firestore as functions/cloud/firestore.ts offers it: guarded, atomic batches; reads see what is committed. */
import type { Database, Listing, Snapshot, Write } from '#cloud/firestore';
import type { Kernel } from '../kernel.ts';
import type { Process } from '../processes.ts';

type Data = Snapshot['data'];
interface Kept {
  readonly data: Data;
  readonly version: string;
}

/** One document's change in a batch. */
export interface DocumentChange {
  readonly path: string;
  readonly before: Data | null;
  readonly after: Data | null;
}

export interface SimulatedDatabase {
  readonly client: Database;
  /** Without a process, at once: what the world begins with. */
  readonly seed: (path: string, data: Data) => void;
  /** The document as it is, not to be changed. */
  readonly look: (path: string) => Data | null;
  /** Every document with its path, in order of writing. */
  all(): Iterable<readonly [string, Data]>;
}

/** An empty database. `committed` hears of each batch right after it was applied. */
export function makeDatabase(
  kernel: Kernel,
  committed: (process: Process, changes: readonly DocumentChange[]) => void,
): SimulatedDatabase {
  const documents = new Map<string, Kept>();
  /** Paths by collection. */
  const collections = new Map<string, Set<string>>();
  let versions = 0;
  const { ConflictError, TransientError } = kernel.errors;
  const fail = () => new TransientError('database-unavailable', 'Firestore did not answer.');
  const conflict = (path: string) => new ConflictError('conflict', `${path} was changed meanwhile.`);
  const call = <T>(what: string, reads: boolean, effect: () => T) =>
    kernel.processes.call(what, effect, { fail, reads });

  const put = (path: string, data: Data | null) => {
    const collection = path.slice(0, path.lastIndexOf('/'));
    const members = collections.get(collection) ?? new Set<string>();
    collections.set(collection, members);
    if (data === null) {
      documents.delete(path);
      members.delete(path);
    } else {
      documents.set(path, { data, version: String(++versions) });
      members.add(path);
    }
  };
  const snapshot = (path: string): Snapshot | null => {
    const kept = documents.get(path);
    if (kept === undefined) return null;
    const id = path.slice(path.lastIndexOf('/') + 1);
    return { path, id, data: kept.data, version: kept.version };
  };
  const found = (paths: Iterable<string>, listing: Listing = {}) =>
    select(
      [...paths].map((path) => snapshot(path)).filter((one) => one !== null),
      listing,
    );

  /** What the batch makes of the documents. @throws ConflictError */
  const apply = (writes: readonly Write[]): DocumentChange[] => {
    const next = new Map<string, Data | null>();
    const fresh = (path: string) => (next.has(path) ? next.get(path) : documents.get(path)?.data) ?? null;
    for (const write of writes) {
      const before = fresh(write.path);
      const guarded = 'version' in write && write.version !== undefined;
      if (guarded && documents.get(write.path)?.version !== write.version) throw conflict(write.path);
      if (write.kind === 'create' && before !== null) throw conflict(write.path);
      if (write.kind === 'update' && before === null) throw conflict(write.path);
      if (write.kind === 'delete') next.set(write.path, null);
      else {
        const data = checked(kernel, write.path, copy(write.data) as Data);
        next.set(write.path, write.kind === 'update' ? { ...before, ...data } : data);
      }
    }
    if (writes.length > 500) kernel.violated('batches', `${writes.length} writes in one batch`);
    return [...next].map(([path, after]) => ({ path, before: documents.get(path)?.data ?? null, after }));
  };

  const client: Database = {
    get: (path) => call(`get ${path}`, true, () => snapshot(path)),
    getAll: (paths) => call(`get ${paths.join(' ')}`, true, () => paths.map((path) => snapshot(path))),
    list: (collection, listing) =>
      call(`list ${collection}`, true, () => found(collections.get(collection) ?? [], listing)),
    listGroup: (id, listing) =>
      call(`list every ${id}`, true, () =>
        found(
          [...documents.keys()].filter((path) => path.split('/').at(-2) === id),
          listing,
        ),
      ),
    count: (collection, listing) =>
      call(`count ${collection}`, true, () => found(collections.get(collection) ?? [], listing).length),
    collections: (path) =>
      call(`collections of ${path}`, true, () =>
        [...collections.keys()].filter((one) => one.slice(0, one.lastIndexOf('/')) === path),
      ),
    documents: (collection) =>
      call(`documents of ${collection}`, true, () => [...(collections.get(collection) ?? [])]),
    commit: (writes) => {
      const { current } = kernel.processes;
      const process = current();
      // As given now: whoever changes an object after handing it over changes nothing of the write.
      const given = writes.map((write) => ({ ...write }));
      return call(`commit ${given.map(({ kind, path }) => `${kind} ${path}`).join(', ')}`, false, () => {
        const changes = apply(given);
        for (const { path, after } of changes) put(path, after);
        committed(process, changes);
      });
    },
    deleteTree: (path) =>
      call(`delete everything below ${path}`, false, () => {
        const gone = [...documents.keys()].filter((one) => one === path || one.startsWith(`${path}/`));
        for (const one of gone) put(one, null);
        return gone.length;
      }),
    close: () => Promise.resolve(),
  };
  return {
    client,
    seed: (path, data) => put(path, copy(data) as Data),
    look: (path) => documents.get(path)?.data ?? null,
    *all() {
      for (const [path, { data }] of documents) yield [path, data] as const;
    },
  };
}

/** Firestore takes no `undefined`. */
function checked(kernel: Kernel, path: string, data: Data): Data {
  for (const [field, value] of Object.entries(data))
    if (value === undefined) kernel.violated('batches', `${path} is given "${field}" without a value`);
  return data;
}

function select(all: Snapshot[], { where = [], orderBy, limit, after }: Listing): Snapshot[] {
  const [field, direction] = orderBy ?? [null, 'asc'];
  const key = (one: Snapshot): unknown => (field === null ? one.path : one.data[field]);
  const sign = direction === 'asc' ? 1 : -1;
  let chosen = all
    .filter((one) => where.every(([name, op, value]) => fits(one.data[name], op, value)))
    .filter((one) => key(one) !== undefined)
    .sort((a, b) => sign * (compare(key(a), key(b)) || compare(a.path, b.path)));
  if (after !== undefined) chosen = chosen.slice(chosen.findIndex((one) => one.path === after) + 1);
  return limit === undefined ? chosen : chosen.slice(0, limit);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [one, other] = [String(a), String(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Only values of one type compare, as in Firestore. */
function fits(value: unknown, op: string, other: unknown): boolean {
  if (op === '==') return value === other;
  if (op === 'in') return Array.isArray(other) && other.includes(value);
  if (typeof value !== typeof other || value === null || value === undefined) return false;
  const order = compare(value, other);
  return op === '<' ? order < 0 : op === '<=' ? order <= 0 : op === '>' ? order > 0 : order >= 0;
}

/**
 * A deep copy of plain data that nobody can change: so every reader may have the very document. Dates and bytes stay what
 * they are.
 */
function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(copy));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const result: Record<string, unknown> = {};
  // `in` of a plain object's own fields: `Object.entries` takes twice as long, and this is what worlds do most.
  for (const name in value) result[name] = copy((value as Record<string, unknown>)[name]);
  return Object.freeze(result);
}
