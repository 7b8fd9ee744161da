import { TransientError } from '#core/errors';
import { paths } from '#core/paths';
import { seal, tenantKeyOf, unseal, unsealWith } from '#store/seal';
import { freshTenant, openTestStore } from '#tests/store';

const store = openTestStore();
afterAll(() => store.db.close());
const key = Buffer.alloc(32, 1);
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
  await expect(unseal(store, Buffer.alloc(32, 2), tenant, about)).rejects.toMatchObject({
    code: 'secret-unreadable',
  });
  const flipped = Buffer.from(String(stored.data['data']), 'base64');
  flipped[0] = (flipped[0] ?? 0) ^ 1;
  await store.db.commit([
    { kind: 'set', path: stored.path, data: { ...stored.data, data: flipped.toString('base64') } },
  ]);
  await expect(unseal(store, key, tenant, about)).rejects.toMatchObject({ code: 'secret-unreadable' });
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
  const tenantKey = await tenantKeyOf(store, key, tenant);
  expect(await unsealWith(store, tenantKey, tenant, about(tenant))).toBe(secret);
  for (const claimed of [tenant, other])
    await expect(unsealWith(store, tenantKey, claimed, about(other))).rejects.toMatchObject({
      code: 'secret-unreadable',
    });
});

test('a database that does not answer while a tenant’s key is made is said, not taken for another writer', async () => {
  const down = new TransientError('database-unavailable', 'Firestore did not answer.');
  const broken = { ...store, db: { ...store.db, commit: () => Promise.reject(down) } };
  await expect(tenantKeyOf(broken, key, freshTenant())).rejects.toBe(down);
});
