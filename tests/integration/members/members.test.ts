import type { Role } from '#core/access';
import { paths } from '#core/paths';
import { readAll } from '#store/document';
import { findKey } from '#store/api-keys';
import { Member } from '#core/tenant';
import { createKey } from '../../../functions/keys/keys.ts';
import { APART, openTestStore } from '#tests/store';
import { seedTenant } from '#tests/tenant';
import {
  changeRole,
  leave,
  listMembers,
  memberId,
  removeMember,
} from '../../../functions/members/members.ts';

const store = openTestStore(APART);
afterAll(() => store.db.close());

const as = (tenant: string, uid: string, role: Role) => ({ tenant, actor: uid, role });
const rolesIn = async (tenant: string) =>
  Object.fromEntries((await readAll(store, paths.members(tenant), Member)).map((one) => [one.uid, one.role]));

test('the last owner cannot leave, be removed or take another role; with a second owner each of it works', async () => {
  const { id } = await seedTenant(store, ['owner', 'admin']);
  const owner = as(id, 'owner0', 'owner');
  for (const attempt of [
    () => leave(store, owner),
    () => removeMember(store, owner, memberId('owner0')),
    () => changeRole(store, owner, memberId('owner0'), 'viewer'),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: 'last-owner' });

  await changeRole(store, owner, memberId('admin1'), 'owner');
  await leave(store, owner);
  expect(await rolesIn(id)).toEqual({ admin1: 'owner' });
});

test('of owners who go at the same moment one stays, ten times over', async () => {
  for (let round = 0; round < 10; round++) {
    const { id } = await seedTenant(store, ['owner', 'owner', 'owner']);
    const goings = ['owner0', 'owner1', 'owner2'].map((uid, index) =>
      index === 1
        ? changeRole(store, as(id, uid, 'owner'), memberId(uid), 'admin')
        : leave(store, as(id, uid, 'owner')),
    );
    const results = await Promise.allSettled(goings);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(Object.values(await rolesIn(id)).filter((role) => role === 'owner')).toHaveLength(1);
  }
});

test('nobody reaches above their own role', async () => {
  const { id } = await seedTenant(store, ['owner', 'admin', 'viewer', 'editor']);
  const admin = as(id, 'admin1', 'admin');
  const tooHigh = { code: 'role-too-high' };
  await expect(changeRole(store, admin, memberId('owner0'), 'viewer')).rejects.toMatchObject(tooHigh);
  await expect(changeRole(store, admin, memberId('admin1'), 'owner')).rejects.toMatchObject(tooHigh);
  await expect(changeRole(store, admin, memberId('viewer2'), 'owner')).rejects.toMatchObject(tooHigh);
  await expect(removeMember(store, admin, memberId('owner0'))).rejects.toMatchObject(tooHigh);
  expect(await changeRole(store, admin, memberId('viewer2'), 'editor')).toMatchObject({ role: 'editor' });
  await removeMember(store, admin, memberId('editor3'));
  expect(await rolesIn(id)).toEqual({ owner0: 'owner', admin1: 'admin', viewer2: 'editor' });

  const audit = await store.db.list(paths.audits(id), { orderBy: ['at', 'asc'] });
  expect(audit.map(({ data }) => [data['action'], data['actor'], data['before'], data['after']])).toEqual([
    ['member.update', 'admin1', { role: 'viewer' }, { role: 'editor' }],
    ['member.remove', 'admin1', { role: 'editor' }, { role: null }],
  ]);
});

test('who goes takes along what their keys could do; who can do less keeps the keys that do no more', async () => {
  const tenant = await seedTenant(store, ['owner', 'admin', 'admin']);
  const keyOf = (actor: string, role: Role, scopes: ('read' | 'edit' | 'recommend')[]) =>
    createKey(store, tenant, { actor, role }, { name: 'Shop', scopes, model: null, expiresAt: null });
  const gone = await keyOf('admin1', 'admin', ['read']);
  const less = await keyOf('admin2', 'admin', ['recommend']);
  const more = await keyOf('admin2', 'admin', ['read', 'edit']);
  const other = await keyOf('owner0', 'owner', ['edit']);
  const owner = as(tenant.id, 'owner0', 'owner');
  await removeMember(store, owner, memberId('admin1'));
  await changeRole(store, owner, memberId('admin2'), 'viewer');
  const opens = async ({ token }: { token: string }) => (await findKey(store, token)) !== null;
  expect(await Promise.all([gone, less, more, other].map(opens))).toEqual([false, true, false, true]);
  const audit = await store.db.list(paths.audits(tenant.id), {
    where: [['action', '==', 'member.remove']],
  });
  expect(audit[0]?.data['after']).toEqual({ role: null, revokedKeys: [gone.key.id] });
  await leave(store, as(tenant.id, 'admin2', 'viewer'));
  expect(await opens(less)).toBe(false);
});

test('somebody else’s member is not there', async () => {
  const mine = await seedTenant(store, ['owner']);
  const theirs = await seedTenant(store, ['owner', 'editor']);
  const attempt = removeMember(store, as(mine.id, 'owner0', 'owner'), memberId('editor1'));
  await expect(attempt).rejects.toMatchObject({ code: 'not-found' });
  expect(await rolesIn(theirs.id)).toEqual({ owner0: 'owner', editor1: 'editor' });
});

test('members are listed page by page, in either order, by role', async () => {
  const { id } = await seedTenant(store, ['owner', 'viewer', 'admin', 'viewer', 'editor']);
  const query = { limit: 2, sort: 'email', order: 'asc' as const };
  const first = await listMembers(store, id, query);
  expect(first.items.map(({ uid }) => uid)).toEqual(['admin2', 'editor4']);
  const second = await listMembers(store, id, { ...query, after: first.next ?? '' });
  expect(second.items.map(({ uid }) => uid)).toEqual(['owner0', 'viewer1']);
  const third = await listMembers(store, id, { ...query, after: second.next ?? '' });
  expect(third).toMatchObject({ items: [{ uid: 'viewer3' }], next: null });
  const viewers = await listMembers(store, id, { ...query, order: 'desc', role: 'viewer' });
  expect(viewers.items.map(({ uid }) => uid)).toEqual(['viewer3', 'viewer1']);
});
