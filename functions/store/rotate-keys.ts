import { ConflictError } from '#cloud/firestore';
import type { InstallationKeys } from '#core/installation-keys';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { listWatched } from './exclusive.ts';
import { openText, SealedSecret, sealText } from './seal.ts';
import type { Store } from './store.ts';
import { keyName, TenantKeyDocument, tenantKeyPath, tenantKeysOf, unwrap, wrap } from './tenant-keys.ts';

/*
 * Rotation, while everything goes on: each step may be killed anywhere and begun again, and does only what is left to do.
 *
 * The installation's key: functions are deployed with the new key as current and the old one as former; `rewrapTenants`
 * wraps every tenant's data keys anew; then the old one can be taken away.
 *
 * A tenant's data key:  addTenantKey   a new one beside the old: it seals, both open
 *                       resealTenant   every secret by the new one; waits for containers that were told only the old
 *                       dropTenantKeys what no secret needs is removed, an hour later, when nothing that was under way
 *                                      when the key came can still seal by the former one
 */

/** Documents read at a time. */
const PAGE = 200;
/** Longer than any function may run. */
const DROP_AFTER_SECONDS = 3600;

/** What of the tenants' data keys was wrapped anew, and what was so already. */
export interface Rewrapped {
  readonly tenants: number;
  readonly rewrapped: number;
}

/**
 * Wraps every tenant's data keys by the installation's newest key. Told of each tenant that it did.
 * @throws TerminalError `secret-unreadable` where a key was wrapped by one that is neither current nor former
 */
export async function rewrapTenants(
  store: Store,
  installation: InstallationKeys,
  onTenant: (tenant: string) => void = () => undefined,
): Promise<Rewrapped> {
  const tenants = await keyedTenants(store);
  let rewrapped = 0;
  for (const tenant of tenants)
    if (await changeKeys(store, tenant, (document) => rewrap(store, installation, document))) {
      rewrapped += 1;
      onTenant(tenant);
    }
  return { tenants: tenants.length, rewrapped };
}

/** The tenants that have data keys, by id. */
export async function keyedTenants(store: Pick<Store, 'db'>): Promise<string[]> {
  const tenants: string[] = [];
  const prefix = tenantKeyPath('');
  for (let after: string | undefined; ;) {
    const page = await store.db.list(paths.sealedAll, {
      where: [['current', '>=', 1]],
      orderBy: ['current', 'asc'],
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    tenants.push(
      ...page.filter(({ path }) => path.startsWith(prefix)).map(({ path }) => path.slice(prefix.length)),
    );
    after = page.at(-1)?.path;
    if (page.length < PAGE) return tenants.sort();
  }
}

/** Gives the tenant a new data key, by which everything is sealed from now on. Not while the former is younger than an hour. */
export async function addTenantKey(
  store: Store,
  installation: InstallationKeys,
  tenant: string,
): Promise<boolean> {
  await tenantKeysOf(store, installation, tenant);
  return changeKeys(store, tenant, (document) => {
    const newest = document.keys[String(document.current)];
    if (newest !== undefined && !isOlder(store, newest.addedAt)) return null;
    const current = document.current + 1;
    const added = wrap(store, installation, tenant, current, store.random(32));
    return { ...document, current, keys: { ...document.keys, [current]: added } };
  });
}

/** How far the secrets of a tenant have come to its newest key. `waiting`: for loads begun before the key was there. */
export interface Resealed {
  readonly secrets: number;
  readonly resealed: number;
  readonly waiting: number;
}

/** Encrypts the tenant's secrets by its newest key, unless a container that was not told it may still open one. */
export async function resealTenant(
  store: Store,
  installation: InstallationKeys,
  tenant: string,
): Promise<Resealed> {
  const found = await store.db.get(tenantKeyPath(tenant));
  if (found === null) return { secrets: 0, resealed: 0, waiting: 0 };
  const document = TenantKeyDocument.parse(found.data);
  const addedAt = document.keys[String(document.current)]?.addedAt ?? '';
  const waiting = document.current === 1 ? 0 : await loadsBefore(store, tenant, addedAt);
  if (waiting > 0) return { secrets: 0, resealed: 0, waiting };
  const keys = await tenantKeysOf(store, installation, tenant);
  let [secrets, resealed] = [0, 0];
  for await (const { path, version, data } of secretsOf(store, tenant)) {
    secrets += 1;
    const sealed = SealedSecret.parse(data);
    if (sealed.key === keys.current) continue;
    const again = sealText(store, keys, tenant, sealed.about, openText(keys, tenant, sealed.about, sealed));
    try {
      await store.db.commit([{ kind: 'update', path, data: again, version }]);
      resealed += 1;
    } catch (error) {
      // Set anew or removed meanwhile: either way nothing is left to do here.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  return { secrets, resealed, waiting: 0 };
}

/** Removes the tenant's former data keys that nothing needs. @returns their numbers */
export async function dropTenantKeys(store: Store, tenant: string): Promise<number[]> {
  const found = await store.db.get(tenantKeyPath(tenant));
  if (found === null) return [];
  const document = TenantKeyDocument.parse(found.data);
  const newest = document.keys[String(document.current)];
  if (newest === undefined || !isOlder(store, newest.addedAt)) return [];
  const needed = new Set([document.current]);
  for await (const { data } of secretsOf(store, tenant)) needed.add(SealedSecret.parse(data).key);
  const dropped = Object.keys(document.keys)
    .map(Number)
    .filter((number) => !needed.has(number));
  if (dropped.length === 0) return [];
  const changed = await changeKeys(store, tenant, (current) =>
    current.current === document.current
      ? {
          ...current,
          keys: Object.fromEntries(
            Object.entries(current.keys).filter(([number]) => !dropped.includes(Number(number))),
          ),
        }
      : null,
  );
  return changed ? dropped : [];
}

function rewrap(
  store: Store,
  installation: InstallationKeys,
  document: TenantKeyDocument,
): TenantKeyDocument | null {
  const name = keyName(installation.current);
  if (Object.values(document.keys).every(({ wrappedBy }) => wrappedBy === name)) return null;
  const keys = Object.entries(document.keys).map(([number, former]) => {
    const key = unwrap(installation, document, Number(number));
    const wrapped = wrap(store, installation, document.tenant, Number(number), key);
    return [number, { ...wrapped, addedAt: former.addedAt }] as const;
  });
  return { ...document, keys: Object.fromEntries(keys) };
}

/** Changes a tenant's keys, guarded; `plan` is asked again about the newest state. @returns whether anything was changed */
async function changeKeys(
  store: Store,
  tenant: string,
  plan: (document: TenantKeyDocument) => TenantKeyDocument | null,
): Promise<boolean> {
  const path = tenantKeyPath(tenant);
  for (let attempt = 1; ; attempt++) {
    const found = await store.db.get(path);
    const next = found === null ? null : plan(TenantKeyDocument.parse(found.data));
    if (found === null || next === null) return false;
    try {
      await store.db.commit([{ kind: 'update', path, data: next, version: found.version }]);
      return true;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === 8) throw error;
    }
  }
}

async function* secretsOf(store: Pick<Store, 'db'>, tenant: string) {
  for (let after: string | undefined; ;) {
    const page = await store.db.list(paths.sealedAll, {
      where: [['tenant', '==', tenant]],
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const one of page) if (one.path !== tenantKeyPath(tenant)) yield one;
    after = page.at(-1)?.path;
    if (page.length < PAGE) return;
  }
}

/** Loads of the tenant that are not over and may have begun before `moment`. */
async function loadsBefore(store: Store, tenant: string, moment: string): Promise<number> {
  const loads = (await listWatched(store, 'etl')).filter((one) => one.tenant === tenant);
  const runs = await store.db.getAll(loads.map(({ path }) => path));
  return runs.filter((run) => run !== null && String(run.data['createdAt']) < moment).length;
}

function isOlder(store: Store, moment: string): boolean {
  return moment < toMoment(store.clock() - DROP_AFTER_SECONDS * 1000);
}
