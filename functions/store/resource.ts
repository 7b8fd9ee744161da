import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { ConflictError, type Snapshot, type Write } from '#cloud/firestore';
import { TerminalError } from '#core/errors';
import type { Announcement } from '#core/events';
import { follow, type LifeCycle } from '#core/life-cycle';
import { type Dependent, GRACE_DAYS, graceEndedBefore } from '#core/resource';
import { mustRead, revise, type Stored } from './document.ts';
import { now, type Store } from './store.ts';

/*
 * Editing, deleting, restoring and purging, the same for every noun. Deleting keeps the document and sets `deletedAt`:
 * lists leave it out, nothing begins with it, and for GRACE_DAYS it can be restored as it was. Then a purge removes it.
 */

/** One document that people edit. */
export interface Resource<T> {
  readonly path: string;
  readonly schema: z.ZodType<T>;
  /** As people call it: "data set". */
  readonly what: string;
  /** As the audit calls it: `dataset` makes `dataset.update`. */
  readonly noun: string;
}

/** Who changes it. */
export interface By {
  readonly tenant: string;
  readonly actor: string;
}

interface Deletable {
  readonly deletedAt: string | null;
}
interface Editable {
  readonly updatedAt: string | null;
  /** Missing where the noun cannot be deleted by itself. */
  readonly deletedAt?: string | null;
}

/** What a change comes to, with what is written in the same batch. */
export interface Edit<T> {
  readonly patch: Partial<T>;
  readonly writes?: readonly Write[];
  readonly announcements?: readonly Announcement[];
}

/**
 * The document, unless it is deleted: for whatever begins with it or changes it.
 * @throws TerminalError `not-found`, also of a deleted one
 */
export async function mustReadLive<T extends Deletable>(
  store: Pick<Store, 'db'>,
  { path, schema, what }: Pick<Resource<T>, 'path' | 'schema' | 'what'>,
): Promise<Stored<T>> {
  const found = await mustRead(store, path, schema, what);
  refuseDeleted(found.value, path, what);
  return found;
}

function refuseDeleted({ deletedAt }: Partial<Deletable>, path: string, what: string): void {
  if ((deletedAt ?? null) !== null)
    throw new TerminalError('not-found', `The ${what} "${path.split('/').at(-1)}" was deleted.`, {
      remedy: `Restore it first; that is possible for ${GRACE_DAYS} days.`,
    });
}

/**
 * Changes a document as `plan` says and says when (`updatedAt`); what changes nothing writes nothing.
 * @param expectedUpdatedAt the change is refused where somebody else has changed the document since
 * @param verb of the audit: `<noun>.<verb>`
 * @throws TerminalError `not-found`, `conflict`, and whatever `plan` throws
 */
export async function edit<T extends Editable>(
  store: Store,
  resource: Resource<T>,
  { tenant, actor }: By,
  expectedUpdatedAt: string | undefined,
  plan: (value: T) => Edit<T> | Promise<Edit<T>>,
  verb = 'update',
): Promise<T> {
  const { path, schema, what, noun } = resource;
  let last: T | undefined;
  const written = await revise(store, path, schema, async (current) => {
    last = current;
    refuseDeleted(current, path, what);
    if (expectedUpdatedAt !== undefined && current.updatedAt !== expectedUpdatedAt)
      throw new TerminalError(
        'conflict',
        `Somebody changed this ${what} at ${current.updatedAt ?? 'its making'}, after what you saw.`,
        { remedy: 'Read it again and repeat your change on the newest.' },
      );
    const { patch, ...rest } = await plan(current);
    const changes = Object.entries(patch).filter(
      ([name, value]) => !isDeepStrictEqual(Object(current)[name], value),
    );
    if (changes.length === 0 && (rest.writes ?? []).length === 0) return null;
    const value: T = { ...current, ...patch, updatedAt: now(store) };
    return { value, ...rest, audit: { tenant, actor, action: `${noun}.${verb}`, target: path } };
  });
  return written ?? last ?? (await mustRead(store, path, schema, what)).value;
}

/** Of what a body gives, the parts that are there: a part left out stays as it is. */
export function given<T extends object>(parts: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Undefined values are left out, which the type of fromEntries cannot say.
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/**
 * Moves a document along its life cycle. Where it is there already, it stays as it is: the call may be repeated.
 * @throws TerminalError `not-found`; `not-possible` where the event leads nowhere from its state; whatever `plan` throws
 */
export async function move<
  State extends string,
  Event extends string,
  T extends Editable & { status: State },
>(
  store: Store,
  resource: Resource<T>,
  by: By,
  cycle: LifeCycle<State, Event>,
  event: Event,
  plan: (value: T) => Edit<T> | Promise<Edit<T>> = () => ({ patch: {} }),
): Promise<T> {
  const reached = new Set(Object.keys(cycle).map((from) => cycle[from as State][event])); // its keys are its states
  return edit(
    store,
    resource,
    by,
    undefined,
    async (current) => {
      const status = follow(cycle, current.status, event);
      if (status === null) {
        if (reached.has(current.status)) return { patch: {} };
        throw new TerminalError(
          'not-possible',
          `This ${resource.what} is ${current.status}: there is nothing to ${event}.`,
          { remedy: `Look at its status first; "${event}" does not apply to it.` },
        );
      }
      const { patch, ...rest } = await plan(current);
      return { patch: { status, ...patch }, ...rest };
    },
    event,
  );
}

/**
 * Deletes a document, to be restored for GRACE_DAYS. Deleted already, it stays as it is.
 * @param usedBy what uses it; asked about the newest state
 * @throws TerminalError `in-use` naming what blocks it
 */
export async function softDelete<T extends Editable & Deletable>(
  store: Store,
  resource: Resource<T>,
  { tenant, actor }: By,
  usedBy: (value: T) => Promise<readonly Dependent[]>,
  plan: (value: T) => Edit<T> | Promise<Edit<T>> = () => ({ patch: {} }),
): Promise<T> {
  const { path, schema, what, noun } = resource;
  let last: T | undefined;
  const written = await revise(store, path, schema, async (current) => {
    last = current;
    if (current.deletedAt !== null) return null;
    refuseInUse(await usedBy(current), what, 'deleted');
    const { patch, ...rest } = await plan(current);
    const at = now(store);
    const value: T = { ...current, ...patch, deletedAt: at, updatedAt: at };
    return { value, ...rest, audit: { tenant, actor, action: `${noun}.delete`, target: path } };
  });
  return written ?? last ?? (await mustRead(store, path, schema, what)).value;
}

/** @throws TerminalError `in-use`, naming the first of what blocks it and what to do about it */
export function refuseInUse(users: readonly Dependent[], what: string, done: string): void {
  const blocking = users.filter((one) => one.blocks);
  const [first] = blocking;
  if (first === undefined) return;
  const names = blocking
    .slice(0, 5)
    .map(({ kind, name, id }) => `${kind.replace('-', ' ')} "${name}" (${id})`);
  const more = blocking.length > names.length ? ` and ${blocking.length - names.length} more` : '';
  throw new TerminalError(
    'in-use',
    `This ${what} cannot be ${done} while these use it: ${names.join(', ')}${more}.`,
    { remedy: first.remedy },
  );
}

/** Undoes a deletion; what is not deleted stays as it is. @throws TerminalError `not-found` once it is purged */
export async function restore<T extends Editable & Deletable>(
  store: Store,
  resource: Resource<T>,
  { tenant, actor }: By,
  check: (value: T) => void | Promise<void> = () => undefined,
): Promise<T> {
  const { path, schema, what, noun } = resource;
  let last: T | undefined;
  const written = await revise(store, path, schema, async (current) => {
    last = current;
    if (current.deletedAt === null) return null;
    if (current.deletedAt <= graceEndedBefore(store.clock()))
      throw new TerminalError('not-found', `The ${what} was deleted more than ${GRACE_DAYS} days ago.`, {
        remedy: 'Make a new one: what belonged to it is being removed.',
      });
    await check(current);
    const value: T = { ...current, deletedAt: null, updatedAt: now(store) };
    return { value, audit: { tenant, actor, action: `${noun}.restore`, target: path } };
  });
  return written ?? last ?? (await mustRead(store, path, schema, what)).value;
}

/** Documents purged at a time: a tick has a minute. */
const PURGES = 50;
/** And looked at: those that cannot be removed yet among them. */
const LOOKS = 1000;

/**
 * Removes what was deleted longer ago than it can be restored, from every collection named `group`, oldest first. `purge`
 * removes what belongs to a document and then the document; it may be called again, and what it cannot remove now it is
 * asked about again. One that fails keeps no other; the first error is thrown at the end.
 * @returns how many were removed
 */
export async function purgeDeleted(
  store: Store,
  group: string,
  purge: (found: Snapshot) => Promise<boolean>,
): Promise<number> {
  let purged = 0;
  let looked = 0;
  const errors: unknown[] = [];
  // What cannot be removed yet, or not at all, must not stand before the rest for ever: it is passed over.
  for (let after: string | undefined; purged < PURGES && looked < LOOKS;) {
    const due = await store.db.listGroup(group, {
      where: [
        ['deletedAt', '<=', graceEndedBefore(store.clock())],
        ['deletedAt', '>', ''],
      ],
      orderBy: ['deletedAt', 'asc'],
      limit: PURGES,
      ...(after === undefined ? {} : { after }),
    });
    after = undefined;
    for (const found of due) {
      looked += 1;
      try {
        if (await purge(found)) purged += 1;
        else after = found.path;
      } catch (error) {
        // Restored, or purged by another tick, in between: no cursor for what follows.
        if (error instanceof ConflictError) continue;
        errors.push(error);
        after = found.path;
      }
    }
    // What was removed is no cursor; what stays is one, and comes after what was removed before it.
    if (due.length < PURGES || after === undefined) break;
  }
  if (errors.length > 0) throw errors[0];
  return purged;
}
