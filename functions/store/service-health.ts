import { paths } from '#core/paths';
import { InstanceHealth, type RevisionHealth, sumHealth } from '#core/service-health';
import { readAll } from './document.ts';
import type { Store } from './store.ts';

/** How long an instance's account is kept after its last change, by Firestore's TTL on `expireAt`. Longer than any step bakes. */
const KEEP_DAYS = 7;

/** Writes an instance's own account below `deployment` (its path). */
export async function writeHealth(
  store: Pick<Store, 'db' | 'clock'>,
  deployment: string,
  health: InstanceHealth,
): Promise<void> {
  const data = { ...health, expireAt: new Date(store.clock() + KEEP_DAYS * 86_400_000) };
  const path = `${paths.health(deployment)}/${health.instance}`;
  await store.db.commit([{ kind: 'set', path, data }]);
}

/** The accounts of all instances that a revision has had lately. */
export function listHealth(
  store: Pick<Store, 'db'>,
  deployment: string,
  revision: string,
): Promise<InstanceHealth[]> {
  return readAll(store, paths.health(deployment), InstanceHealth, {
    where: [['revision', '==', revision]],
  });
}

/** What a revision's instances have counted together. */
export async function readHealth(
  store: Pick<Store, 'db'>,
  deployment: string,
  revision: string,
): Promise<RevisionHealth> {
  return sumHealth(await listHealth(store, deployment, revision));
}
