import { paths } from '#core/paths';
import { findKey, hashOfToken } from '#store/api-keys';
import { APART, openTestStore } from '#tests/store';
import { seedTenant } from '#tests/tenant';
import { createKey, revokeKey, rollKey, updateKey } from '../../../functions/keys/keys.ts';

const store = openTestStore(APART);
afterAll(() => store.db.close());
beforeEach(() => (store.ahead = 0));

const DAY = 86_400_000;
const owner = { actor: 'owner0', role: 'owner' as const };
const wanted = { name: 'Shop', scopes: ['recommend' as const], model: null, expiresAt: null };

test('a key opens what it is for, until it is revoked', async () => {
  const tenant = await seedTenant(store);
  const { key, token } = await createKey(store, tenant, owner, wanted);
  expect(await findKey(store, token)).toMatchObject({
    tenant: tenant.id,
    key: { id: key.id, scopes: ['recommend'] },
  });
  const renamed = await updateKey(store, tenant.id, 'owner0', key.id, { name: 'Web shop' });
  expect(renamed).toMatchObject({ name: 'Web shop', status: 'active' });
  const revoked = await revokeKey(store, tenant.id, 'owner0', key.id);
  expect(revoked).toMatchObject({ status: 'revoked' });
  expect(await findKey(store, token)).toBeNull();
  expect(await revokeKey(store, tenant.id, 'owner0', key.id)).toEqual(revoked);
});

test('a disabled key opens nothing until it is enabled; it counts, is not rolled, and one that is over stays so', async () => {
  const tenant = await seedTenant(store, ['owner'], { limits: { keys: 1 } });
  const { key, token } = await createKey(store, tenant, owner, wanted);
  const turn = (disabled: boolean) => updateKey(store, tenant.id, 'owner0', key.id, { disabled });
  const off = await turn(true);
  expect(off).toMatchObject({ status: 'disabled', disabledAt: expect.any(String) });
  expect(await turn(true)).toEqual(off);
  expect(await findKey(store, token)).toBeNull();
  await expect(createKey(store, tenant, owner, wanted)).rejects.toMatchObject({ code: 'quota-exceeded' });
  await expect(rollKey(store, tenant, 'owner0', key.id, 0)).rejects.toMatchObject({ code: 'key-over' });
  expect(await turn(false)).toMatchObject({ status: 'active', disabledAt: null });
  expect(await findKey(store, token)).not.toBeNull();
  await turn(true);
  await revokeKey(store, tenant.id, 'owner0', key.id);
  await expect(turn(false)).rejects.toMatchObject({ code: 'key-over' });
  const records = await store.db.list(paths.audits(tenant.id), { where: [['action', '==', 'key.update']] });
  expect(records).toHaveLength(3);
});

test('a rolled key works on for the overlap and no longer; the new one has the same rights', async () => {
  const tenant = await seedTenant(store);
  const first = await createKey(store, tenant, owner, wanted);
  const rolled = await rollKey(store, tenant, 'owner0', first.key.id, 2);
  expect(rolled.replaced).toMatchObject({ replacedBy: rolled.key.id, status: 'active' });
  expect(rolled.key).toMatchObject({ name: 'Shop', scopes: ['recommend'], expiresAt: null });
  const opens = async () => [
    (await findKey(store, first.token)) !== null,
    (await findKey(store, rolled.token)) !== null,
  ];
  expect(await opens()).toEqual([true, true]);
  store.ahead = 2 * DAY - 60_000;
  expect(await opens()).toEqual([true, true]);
  store.ahead = 2 * DAY;
  expect(await opens()).toEqual([false, true]);

  const twice = rollKey(store, tenant, 'owner0', first.key.id, 2);
  await expect(twice).rejects.toMatchObject({ code: 'key-over' });
  const atOnce = await rollKey(store, tenant, 'owner0', rolled.key.id, 0);
  expect(await findKey(store, rolled.token)).toBeNull();
  expect(await findKey(store, atOnce.token)).not.toBeNull();
});

test('rolling never makes a key live longer than it was meant to', async () => {
  const tenant = await seedTenant(store);
  const expiresAt = new Date(Date.now() + DAY).toISOString();
  const { key } = await createKey(store, tenant, owner, { ...wanted, expiresAt });
  const rolled = await rollKey(store, tenant, 'owner0', key.id, 7);
  expect([rolled.replaced.expiresAt, rolled.key.expiresAt]).toEqual([expiresAt, expiresAt]);
});

test('of two who roll a key at once one does; nobody is left with a token that opens nothing', async () => {
  const tenant = await seedTenant(store);
  const { key } = await createKey(store, tenant, owner, wanted);
  const results = await Promise.allSettled([1, 2, 3].map(() => rollKey(store, tenant, 'owner0', key.id, 1)));
  const done = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(done).toHaveLength(1);
  expect(await findKey(store, done[0]?.token ?? '')).not.toBeNull();
  expect(await store.db.count(paths.apiKeys(tenant.id))).toBe(2);
});

test('what nobody could use is not made, nor more than the quota, nor more than its maker may', async () => {
  const tenant = await seedTenant(store, ['owner'], { limits: { keys: 1 } });
  const past = createKey(store, tenant, owner, { ...wanted, expiresAt: new Date(0).toISOString() });
  await expect(past).rejects.toMatchObject({ code: 'expiry-past' });
  const model = createKey(store, tenant, owner, { ...wanted, model: 'mnothere' });
  await expect(model).rejects.toMatchObject({ code: 'not-found' });
  const above = createKey(
    store,
    tenant,
    { actor: 'v', role: 'viewer' },
    { ...wanted, scopes: ['read', 'deploy'] },
  );
  await expect(above).rejects.toMatchObject({ code: 'forbidden' });
  await createKey(store, tenant, owner, wanted);
  await expect(createKey(store, tenant, owner, wanted)).rejects.toMatchObject({ code: 'quota-exceeded' });
});

test('nothing of the database opens anything: not the key, its hash, or the audit', async () => {
  const tenant = await seedTenant(store);
  const { token, key } = await createKey(store, tenant, owner, wanted);
  const rolled = await rollKey(store, tenant, 'owner0', key.id, 1);
  const kept = JSON.stringify([
    await store.db.list(paths.apiKeys(tenant.id)),
    await store.db.list(paths.audits(tenant.id)),
    await store.db.list('keyHashes', { where: [['tenant', '==', tenant.id]] }),
  ]);
  expect(kept).toContain(hashOfToken(token));
  for (const text of [token, rolled.token]) {
    const secret = text.slice(`tw_${key.id}_`.length, -7);
    expect(secret).toHaveLength(43);
    expect(kept).not.toContain(secret);
  }
});
