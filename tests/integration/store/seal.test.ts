import { TransientError } from '#core/errors';
import { paths } from '#core/paths';
import { openText, seal, SealedSecret, sealedPath, sealText, unseal, unsealWith } from '#store/seal';
import { tenantKeysOf } from '#store/tenant-keys';
import { freshTenant, openTestStore } from '#tests/store';

const store = openTestStore();
afterAll(() => store.db.close());
const key = { current: Buffer.alloc(32, 1), former: [] };
const secret = 'kanarienvogel-7f3a';

test('a sealed secret opens for its tenant and record, and is nowhere in plain', async () => {
  const tenant = freshTenant();
  const about = paths.source(tenant, 'm123', 's123');
  await seal(store, key, tenant, about, secret);
  expect(await unseal(store, key, tenant, about)).toBe(secret);
  const stored = await store.db.get(paths.sealed(about.replaceAll('/', '~')));
  const text = JSON.stringify(stored?.data);
  expect(text).not.toContain(secret);
  expect(text).not.toContain(Buffer.from(secret).toString('base64'));
});

test('it opens neither moved to another record or tenant, nor changed, nor under another key', async () => {
  const tenant = freshTenant();
  const other = freshTenant();
  const about = paths.source(tenant, 'm123', 's123');
  const elsewhere = paths.source(tenant, 'm123', 's456');
  await seal(store, key, tenant, about, secret);
  const stored = await store.db.get(paths.sealed(about.replaceAll('/', '~')));
  if (stored === null) throw new Error('not stored');
  await store.db.commit([
    { kind: 'set', path: paths.sealed(elsewhere.replaceAll('/', '~')), data: stored.data },
  ]);
  await expect(unseal(store, key, tenant, elsewhere)).rejects.toMatchObject({ code: 'secret-unreadable' });
  await expect(unseal(store, key, other, about)).rejects.toMatchObject({ code: 'secret-unreadable' });
  await expect(
    unseal(store, { current: Buffer.alloc(32, 2), former: [] }, tenant, about),
  ).rejects.toMatchObject({
    code: 'secret-unreadable',
  });
});

test('no byte of it can be changed, and nothing cut off', async () => {
  const tenant = freshTenant();
  const about = paths.source(tenant, 'm123', 's123');
  await seal(store, key, tenant, about, secret);
  const keys = await tenantKeysOf(store, key, tenant);
  const sealed = SealedSecret.parse((await store.db.get(sealedPath(about)))?.data);
  const opens = (changed: Partial<SealedSecret>) => openText(keys, tenant, about, { ...sealed, ...changed });
  expect(opens({})).toBe(secret);
  let tried = 0;
  for (const field of ['iv', 'tag', 'data'] as const) {
    const bytes = Buffer.from(sealed[field], 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(() => opens({ [field]: flipped.toString('base64') })).toThrow('does not open');
      expect(() => opens({ [field]: bytes.subarray(0, at).toString('base64') })).toThrow('does not open');
      tried += 2;
    }
  }
  expect(tried).toBe(2 * (12 + 16 + secret.length));
  expect(() => opens({ key: 2 })).toThrow('does not open');
});

test('no nonce comes twice', async () => {
  const tenant = freshTenant();
  const keys = await tenantKeysOf(store, key, tenant);
  const nonces = new Set<string>();
  for (let n = 0; n < 20_000; n++) nonces.add(sealText(store, keys, tenant, 'a', '').iv);
  expect(nonces.size).toBe(20_000);
});

test('two writers at once agree on the tenant’s key', async () => {
  const tenant = freshTenant();
  const abouts = ['sa', 'sb', 'sc', 'sd'].map((s) => paths.source(tenant, 'm123', s));
  await Promise.all(abouts.map((about) => seal(store, key, tenant, about, about)));
  for (const about of abouts) expect(await unseal(store, key, tenant, about)).toBe(about);
});

test('where nothing was sealed there is nothing', async () => {
  const tenant = freshTenant();
  expect(await unseal(store, key, tenant, paths.source(tenant, 'm123', 's123'))).toBeNull();
});

test('a tenant’s key opens that tenant’s secrets and nobody else’s', async () => {
  const [tenant, other] = [freshTenant(), freshTenant()];
  const about = (t: string) => paths.source(t, 'm123', 's123');
  await seal(store, key, tenant, about(tenant), secret);
  await seal(store, key, other, about(other), 'not yours');
  const tenantKeys = await tenantKeysOf(store, key, tenant);
  expect(await unsealWith(store, tenantKeys, tenant, about(tenant))).toBe(secret);
  for (const claimed of [tenant, other])
    await expect(unsealWith(store, tenantKeys, claimed, about(other))).rejects.toMatchObject({
      code: 'secret-unreadable',
    });
});

test('a database that does not answer while a tenant’s key is made is said, not taken for another writer', async () => {
  const down = new TransientError('database-unavailable', 'Firestore did not answer.');
  const broken = { ...store, db: { ...store.db, commit: () => Promise.reject(down) } };
  await expect(tenantKeysOf(broken, key, freshTenant())).rejects.toBe(down);
});
