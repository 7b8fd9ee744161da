import type { Write } from '#cloud/firestore';
import { paths } from '#core/paths';
import { seal, SealedSecret, sealedPath, unseal, unsealWith } from '#store/seal';
import { addTenantKey, dropTenantKeys, resealTenant, rewrapTenants } from '#store/rotate-keys';
import { tenantKeysOf } from '#store/tenant-keys';
import { freshTenant, openTestStore, type TestStore } from '#tests/store';

// A project of its own: rotation looks at every tenant of an installation.
const store = openTestStore('demo-rotation');
afterAll(() => store.db.close());
beforeEach(() => {
  store.ahead = 0;
});

const old = { current: Buffer.alloc(32, 1), former: [] };
const both = { current: Buffer.alloc(32, 2), former: [old.current] };
const fresh = { current: both.current, former: [] };
const about = (tenant: string, n: number) => paths.source(tenant, 'm123', `s${n}`);

/** The store of a process that dies at its `at`-th write. */
function dyingAt(at: number): TestStore {
  let writes = 0;
  const commit = (batch: readonly Write[]) => {
    if (++writes >= at) return Promise.reject(new Error('killed'));
    return store.db.commit(batch);
  };
  return { ...store, db: { ...store.db, commit } };
}

/** Reads and writes secrets of `tenants` until `done`; what went wrong, and how often it was tried. */
async function useSecrets(tenants: readonly string[], secrets: number, done: () => boolean) {
  let tried = 0;
  const wrong: string[] = [];
  const worker = async (first: number) => {
    for (let n = first; !done() || tried < 1000; n += 7) {
      const tenant = tenants[n % tenants.length]!;
      const at = about(tenant, n % secrets);
      tried += 2;
      try {
        await seal(store, both, tenant, at, `secret of ${at}`);
        const read = await unseal(store, both, tenant, at);
        if (read !== `secret of ${at}`) wrong.push(`${at} read as ${String(read)}`);
      } catch (error) {
        wrong.push(`${at}: ${String(error)}`);
      }
    }
  };
  await Promise.all([0, 1, 2, 3, 4, 5, 6].map(worker));
  return { tried, wrong };
}

test('both keys are rotated under load, killed in the middle: nothing fails, all is new, the old key opens nothing', async () => {
  const tenants = Array.from({ length: 6 }, freshTenant);
  // Secrets in use are sealed by the new key as soon as it is there; those at rest are the rotation's alone to seal.
  const IN_USE = 5;
  const SECRETS = IN_USE + 3;
  for (const tenant of tenants)
    for (let n = 0; n < SECRETS; n++)
      await seal(store, old, tenant, about(tenant, n), `secret of ${about(tenant, n)}`);

  let rotated = false;
  const using = useSecrets(tenants, IN_USE, () => rotated);
  await expect(rewrapTenants(dyingAt(3), both)).rejects.toThrow('killed');
  await rewrapTenants(store, both);
  store.ahead = 2 * 3600 * 1000; // the first keys are old enough
  for (const tenant of tenants) {
    expect(await addTenantKey(store, both, tenant)).toBe(true);
    await expect(resealTenant(dyingAt(2), both, tenant)).rejects.toThrow('killed');
    await resealTenant(store, both, tenant);
    // Younger than an hour: somebody may still be sealing by the former key.
    expect(await dropTenantKeys(store, tenant)).toEqual([]);
  }
  rotated = true;
  const { tried, wrong } = await using;
  expect(wrong).toEqual([]);
  expect(tried).toBeGreaterThanOrEqual(1000);

  store.ahead += 2 * 3600 * 1000;
  for (const tenant of tenants) {
    await resealTenant(store, both, tenant);
    expect(await dropTenantKeys(store, tenant)).toEqual([1]);
    for (let n = 0; n < SECRETS; n++) {
      const at = about(tenant, n);
      expect(SealedSecret.parse((await store.db.get(sealedPath(at)))?.data).key).toBe(2);
      expect(await unseal(store, fresh, tenant, at)).toBe(`secret of ${at}`);
      await expect(unseal(store, old, tenant, at)).rejects.toMatchObject({ code: 'secret-unreadable' });
    }
  }
  expect(await rewrapTenants(store, fresh)).toMatchObject({ rewrapped: 0 });
});

test('a container that was started before the new key opens its secrets to the end of its load', async () => {
  const tenant = freshTenant();
  const run = paths.etlRun(tenant, 'm123', 'r123');
  await seal(store, fresh, tenant, about(tenant, 1), 'pw');
  const told = await tenantKeysOf(store, fresh, tenant);
  const createdAt = new Date(store.clock()).toISOString();
  const watched = { kind: 'etl', path: run, tenant, model: 'm123', id: 'r123' };
  await store.db.commit([
    { kind: 'set', path: run, data: { createdAt } },
    { kind: 'set', path: paths.watched(run), data: watched },
  ]);
  store.ahead = 2 * 3600 * 1000;
  await addTenantKey(store, fresh, tenant);
  expect(await resealTenant(store, fresh, tenant)).toEqual({ secrets: 0, resealed: 0, waiting: 1 });
  expect(await unsealWith(store, told, tenant, about(tenant, 1))).toBe('pw');

  await store.db.commit([{ kind: 'delete', path: paths.watched(run) }]);
  expect(await resealTenant(store, fresh, tenant)).toEqual({ secrets: 1, resealed: 1, waiting: 0 });
  expect(await unseal(store, fresh, tenant, about(tenant, 1))).toBe('pw');
});

test('a key wrapped by an installation key that nobody has any more is said, not passed over', async () => {
  const tenant = freshTenant();
  await seal(store, { current: Buffer.alloc(32, 9), former: [] }, tenant, about(tenant, 1), 'pw');
  await expect(rewrapTenants(store, fresh)).rejects.toMatchObject({ code: 'secret-unreadable' });
});
