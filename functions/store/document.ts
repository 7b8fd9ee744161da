import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { ConflictError, type Listing, type Snapshot, type Write } from '#cloud/firestore';
import { TerminalError } from '#core/errors';
import type { Announcement } from '#core/events';
import { follow, isFinal, type LifeCycle } from '#core/life-cycle';
import { paths } from '#core/paths';
import { type AuditEntry, type Change, commitChange, type Store } from './store.ts';

/** A parsed document with what guards its next write. */
export interface Stored<T> {
  readonly path: string;
  readonly version: string;
  readonly value: T;
}

/** The document at `path`, or null. @throws TerminalError `record-unreadable` where it does not fit `schema`. */
export async function read<S extends z.ZodType>(
  store: Pick<Store, 'db'>,
  path: string,
  schema: S,
): Promise<Stored<z.output<S>> | null> {
  const found = await store.db.get(path);
  return found === null ? null : parse(found, schema);
}

/** Two documents in one round trip, as of the same moment. */
export async function readBoth<A extends z.ZodType, B extends z.ZodType>(
  store: Pick<Store, 'db'>,
  a: readonly [path: string, schema: A],
  b: readonly [path: string, schema: B],
): Promise<[Stored<z.output<A>> | null, Stored<z.output<B>> | null]> {
  const [first = null, second = null] = await store.db.getAll([a[0], b[0]]);
  return [first === null ? null : parse(first, a[1]), second === null ? null : parse(second, b[1])];
}

/** The document at `path`. @throws TerminalError `not-found` naming `what`. */
export async function mustRead<S extends z.ZodType>(
  store: Pick<Store, 'db'>,
  path: string,
  schema: S,
  what: string,
): Promise<Stored<z.output<S>>> {
  const found = await read(store, path, schema);
  if (found === null) {
    throw new TerminalError('not-found', `There is no ${what} "${path.split('/').at(-1)}" here.`, {
      remedy: 'Check the id; it may have been deleted.',
    });
  }
  return found;
}

/** The documents of a collection, parsed. */
export async function readAll<S extends z.ZodType>(
  store: Pick<Store, 'db'>,
  collection: string,
  schema: S,
  listing: Listing = {},
): Promise<z.output<S>[]> {
  return (await store.db.list(collection, listing)).map((one) => parse(one, schema).value);
}

/** A list's query as `listQuery` parses it; a plain `Page` has no order, filter or deleted items. */
export interface ListQuery {
  readonly limit: number;
  readonly after?: string | undefined;
  /** Default: `createdAt`. */
  readonly sort?: string | undefined;
  /** Default: `desc`. */
  readonly order?: 'asc' | 'desc' | undefined;
  /** Given: the collection's documents have `deletedAt`, and those that are deleted are left out, or are all there is. */
  readonly deleted?: 'no' | 'only' | undefined;
  /** Given: only documents whose `name` begins like this, in the order of names. */
  readonly search?: string | undefined;
}

/**
 * One page of a collection, newest first unless the query says otherwise; `next` is the `after` of the following page.
 * @param filters fields to compare for equality; undefined leaves one out
 */
export async function readPage<S extends z.ZodType>(
  store: Pick<Store, 'db'>,
  collection: string,
  schema: S,
  page: ListQuery,
  filters: Readonly<Record<string, string | number | boolean | null | undefined>> = {},
): Promise<{ items: z.output<S>[]; next: string | null }> {
  const wanted = Object.entries(filters).filter(([, value]) => value !== undefined);
  // A range of values is read in their order.
  const order: Listing['orderBy'] =
    page.search !== undefined
      ? ['name', 'asc']
      : page.deleted === 'only'
        ? ['deletedAt', 'desc']
        : [page.sort ?? 'createdAt', page.order ?? 'desc'];
  const found = await store.db.list(collection, {
    where: [
      ...wanted.map(([field, value]) => [field, '==', value] as const),
      ...(page.deleted === 'no' ? [['deletedAt', '==', null] as const] : []),
      // Moments sort as text: this is every one, and leaves out null.
      ...(page.deleted === 'only' ? [['deletedAt', '>', ''] as const] : []),
      ...(page.search === undefined
        ? []
        : [['name', '>=', page.search] as const, ['name', '<', `${page.search}\uf8ff`] as const]),
    ],
    orderBy: order,
    limit: page.limit + 1,
    ...(page.after === undefined ? {} : { after: `${collection}/${page.after}` }),
  });
  const items = found.slice(0, page.limit);
  return {
    items: items.map((one) => parse(one, schema).value),
    next: found.length > page.limit ? (items.at(-1)?.id ?? null) : null,
  };
}

function parse<S extends z.ZodType>(found: Snapshot, schema: S): Stored<z.output<S>> {
  const parsed = schema.safeParse(found.data);
  if (!parsed.success)
    throw new TerminalError(
      'record-unreadable',
      `The record ${found.path} is not as this version expects it.`,
      {
        remedy: 'Deploy the version that wrote it, or migrate the record.',
        cause: parsed.error,
      },
    );
  return { path: found.path, version: found.version, value: parsed.data };
}

/**
 * A document's change that is repeated on the newest state when somebody else writes first. The audit entry gets the
 * fields that changed, before and after. A change that changes nothing writes nothing.
 */
export async function update<S extends z.ZodType>(
  store: Store,
  path: string,
  schema: S,
  what: string,
  change: (value: z.output<S>) => Partial<z.output<S>>,
  audit?: AuditEntry,
): Promise<z.output<S>> {
  for (let attempt = 1; ; attempt++) {
    const current = await mustRead(store, path, schema, what);
    const next = { ...Object(current.value), ...change(current.value) };
    const changed = changedFields(Object(current.value), next);
    if (Object.keys(changed.after).length === 0) return next;
    try {
      const write: Write = { kind: 'update', path, data: next, version: current.version };
      await commitChange(store, {
        writes: [write],
        ...(audit === undefined ? {} : { audit: { ...changed, ...audit } }),
      });
      return next;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === 8) throw error;
    }
  }
}

/** The fields in which `after` differs from `before`, on both sides. */
export function changedFields(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { readonly before: Record<string, unknown>; readonly after: Record<string, unknown> } {
  const names = Object.keys(after).filter((name) => !isDeepStrictEqual(before[name], after[name]));
  const pick = (from: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(names.map((name) => [name, from[name] ?? null]));
  return { before: pick(before), after: pick(after) };
}

/**
 * Creates a document with what belongs to it. A request that is repeated by its Idempotency-Key makes the same id again:
 * it then gets the document that its first run made.
 */
export async function create<S extends z.ZodType>(
  store: Store,
  path: string,
  schema: S,
  data: z.output<S>,
  change: Omit<Change, 'writes'> & { readonly writes?: readonly Write[] } = {},
): Promise<z.output<S>> {
  const { audit, writes, ...rest } = change;
  try {
    await commitChange(store, {
      ...rest,
      writes: [{ kind: 'create', path, data: Object(data) }, ...(writes ?? [])],
      ...(audit === undefined ? {} : { audit: { after: Object(data), ...audit } }),
    });
    return data;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const made = await read(store, path, schema);
    if (made === null) throw error;
    return made.value;
  }
}

/** What `revise` is to write: the document's next state and what belongs to it, all in one batch. */
export interface Revision<T> {
  readonly value: T;
  readonly writes?: readonly Write[];
  readonly announcements?: readonly Announcement[];
  readonly audit?: AuditEntry;
}

/**
 * Changes the document at `path` as `plan` says, guarded: where somebody else writes first, `plan` is asked again about
 * the newest state. `plan` may be asked several times; null means that nothing is to be done. A value that equals the
 * present one is written too and guards `writes` against others' changes, but not others' plans against `writes`: Firestore
 * keeps the update time of a document that a write leaves as it is.
 * @returns the document after the change, or null where nothing was to be done.
 */
export async function revise<T>(
  store: Store,
  path: string,
  schema: z.ZodType<T>,
  plan: (value: T) => Revision<T> | null | Promise<Revision<T> | null>,
): Promise<T | null> {
  for (let attempt = 1; ; attempt++) {
    const current = await mustRead(store, path, schema, 'record');
    const revision = await plan(current.value);
    if (revision === null) return null;
    try {
      await commitChange(store, {
        writes: [
          { kind: 'update', path, data: { ...Object(revision.value) }, version: current.version },
          ...(revision.writes ?? []),
        ],
        announcements: revision.announcements ?? [],
        ...(revision.audit === undefined
          ? {}
          : {
              audit: { ...changedFields(Object(current.value), Object(revision.value)), ...revision.audit },
            }),
      });
      return revision.value;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === 8) throw error;
    }
  }
}

export interface Transition<T> {
  /** Fields to set besides the status. */
  readonly patch?: (value: T) => Partial<T>;
  /** Writes that belong to it, e.g. the lock's removal. */
  readonly writes?: (value: T) => readonly Write[];
  readonly announcements?: (value: T) => readonly Announcement[];
  readonly audit?: AuditEntry;
}

/**
 * Moves the document at `path` along its life cycle, guarded: of two movers one wins, the other sees the new state.
 * A final state also takes the run off the watchdog's list.
 * @returns the document after the move, or null where the event does not apply (it came twice or late).
 */
export async function transition<State extends string, Event extends string, T extends { status: State }>(
  store: Store,
  path: string,
  schema: z.ZodType<T>,
  cycle: LifeCycle<State, Event>,
  event: Event,
  options: Transition<T> = {},
): Promise<T | null> {
  return revise(store, path, schema, (current) => {
    const status = follow(cycle, current.status, event);
    if (status === null) return null;
    const value: T = { ...current, ...options.patch?.(current), status };
    return {
      value,
      writes: [
        ...(isFinal(cycle, status) ? [{ kind: 'delete' as const, path: paths.watched(path) }] : []),
        ...(options.writes?.(value) ?? []),
      ],
      announcements: options.announcements?.(value) ?? [],
      ...(options.audit === undefined ? {} : { audit: options.audit }),
    };
  });
}
