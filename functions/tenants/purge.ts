import { randomUUID } from 'node:crypto';
import { Deletion, LAST_LOOK_DAYS, SETTLE_SECONDS } from '#core/deletion';
import { announce } from '#core/events';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { read, readAll, revise, update } from '#store/document';
import { withLease } from '#store/lease';
import { now, type Store } from '#store/store';
import { type Keeper, keepersOf, type TenantDataPlace } from '#store/tenant-data';

/** Things removed at a time. */
const WIDTH = 16;

/** How long one function call works on a removal; the next tick goes on. */
export const WORK_SECONDS = 300;

/** Removals taken up in one tick. */
const AT_A_TIME = 5;

/** Makes the keepers of a tenant. */
export type OpenKeepers = typeof keepersOf;

/**
 * Begins the removal of a tenant whose grace is over: from here on there is no way back. The deletion is written first,
 * with what is needed to find everything, for the tenant's own document goes on the way.
 */
export async function beginRemoval(store: Store, tenant: string): Promise<void> {
  const path = paths.tenant(tenant);
  if ((await store.db.get(path)) === null) return;
  await revise(store, path, Tenant, (value) => {
    if (value.status !== 'deleted' || value.purging || (value.purgeAt ?? '9') > now(store)) return null;
    const deletion: Deletion = {
      tenant,
      state: 'removing',
      startedAt: now(store),
      quietSince: null,
      finishedAt: null,
      nextLookAt: now(store),
      counts: {},
      pending: {},
      cloud: value.cloud,
    };
    return {
      value: { ...value, purging: true },
      writes: [{ kind: 'create', path: paths.deletion(tenant), data: deletion }],
      announcements: [announce('tenant-deletion-requested', { tenant })],
    };
  });
}

/**
 * Goes on with a removal. Each look asks every keeper what there is now and removes it, so it does not matter where a
 * former one was killed, and nothing is believed gone because it was once removed.
 */
export async function goOnRemoving(
  store: Store,
  here: TenantDataPlace,
  tenant: string,
  open: OpenKeepers = keepersOf,
): Promise<void> {
  const path = paths.deletion(tenant);
  const holder = `purge-${randomUUID()}`;
  const until = AbortSignal.timeout(WORK_SECONDS * 1000);
  await withLease(store, paths.lease(path), holder, until, async (_, signal) => {
    const found = await read(store, path, Deletion);
    if (found === null || found.value.cloud === null) return;
    let seen = 0;
    const failures: unknown[] = [];
    for (const keeper of open(store, here, tenant, found.value.cloud)) {
      try {
        seen += await empty(store, path, keeper, signal);
      } catch (error) {
        // One store that does not answer keeps no other from being emptied.
        failures.push(error);
      }
      if (signal.aborted) return;
    }
    if (failures.length > 0) throw failures[0];
    await update(store, path, Deletion, 'deletion', (one) => planNext(one, seen, store.clock()));
  });
  await forgetLease(store, path);
}

/** Removes what the keeper has, until it has nothing more. @returns how many things were seen. */
async function empty(store: Store, path: string, keeper: Keeper, signal: AbortSignal): Promise<number> {
  let seen = 0;
  // A keeper may show its things page by page, and one that shows the same again and again is left to the next look.
  for (let round = 0; round < 1000 && !signal.aborted; round++) {
    const found = [...(await keeper.find())];
    seen += found.length;
    await note(store, path, keeper.name, found.length, 0);
    if (found.length === 0) break;
    let more = 0;
    const lane = async () => {
      for (let one = found.pop(); one !== undefined && !signal.aborted; one = found.pop())
        more += (await one.remove()) - 1;
    };
    await Promise.all(Array.from({ length: WIDTH }, lane));
    // A tree is one thing to be seen and many that go.
    if (more > 0) await note(store, path, keeper.name, null, more);
  }
  return seen;
}

/**
 * Counts what went: of the things seen last time those that are `there` no more, and `more` that were not seen one by one.
 * So a process that died between removing and counting leaves no gap.
 */
async function note(
  store: Store,
  path: string,
  name: string,
  there: number | null,
  more: number,
): Promise<void> {
  await update(store, path, Deletion, 'deletion', ({ counts, pending }) => {
    const before = pending[name] ?? 0;
    const gone = more + (there === null ? 0 : Math.max(0, before - there));
    if (gone === 0 && (there ?? before) === before) return {};
    return {
      counts: gone === 0 ? counts : { ...counts, [name]: (counts[name] ?? 0) + gone },
      pending: { ...pending, [name]: there ?? before },
    };
  });
}

/** The deletion's next state after a look at `at` (milliseconds) that saw `seen` things. */
export function planNext(deletion: Deletion, seen: number, at: number): Partial<Deletion> {
  const later = (seconds: number) => toMoment(at + seconds * 1000);
  const quiet = deletion.quietSince === null ? 0 : (at - Date.parse(deletion.quietSince)) / 1000;
  if (seen > 0 || deletion.quietSince === null)
    return {
      // Certified is certified: what came late is removed, counted, and looked after like everything else.
      state: deletion.state === 'done' ? 'done' : 'settling',
      quietSince: toMoment(at),
      nextLookAt: later(SETTLE_SECONDS),
    };
  if (deletion.state !== 'done')
    return quiet < SETTLE_SECONDS
      ? {}
      : { state: 'done', finishedAt: toMoment(at), nextLookAt: later(LAST_LOOK_DAYS * 86_400) };
  return quiet < LAST_LOOK_DAYS * 86_400 ? { nextLookAt: later(86_400) } : { nextLookAt: null, cloud: null };
}

/** Nothing of the deletion but its certificate stays. */
async function forgetLease(store: Store, path: string): Promise<void> {
  const deletion = await read(store, path, Deletion);
  if (deletion?.value.state === 'done') await store.db.commit([{ kind: 'delete', path: paths.lease(path) }]);
}

/** Every minute: begins what is due and goes on with what was begun. @returns the tenants that could not be looked at. */
export async function lookAfterRemovals(
  store: Store,
  here: TenantDataPlace,
  open: OpenKeepers = keepersOf,
): Promise<{ readonly tenant: string; readonly error: unknown }[]> {
  // Moments sort as text, and null is no text.
  const due = await readAll(store, paths.tenants, Tenant, {
    where: [
      ['purgeAt', '>', ''],
      ['purgeAt', '<=', now(store)],
    ],
    limit: 100,
  });
  const failed: { tenant: string; error: unknown }[] = [];
  const attempt = async (tenant: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      failed.push({ tenant, error });
    }
  };
  for (const { id } of due.filter(({ purging }) => !purging))
    await attempt(id, () => beginRemoval(store, id));
  const waiting = await readAll(store, paths.deletions, Deletion, {
    where: [
      ['nextLookAt', '>', ''],
      ['nextLookAt', '<=', now(store)],
    ],
    orderBy: ['nextLookAt', 'asc'],
    limit: AT_A_TIME,
  });
  await Promise.all(
    waiting.map(({ tenant }) => attempt(tenant, () => goOnRemoving(store, here, tenant, open))),
  );
  return failed;
}
