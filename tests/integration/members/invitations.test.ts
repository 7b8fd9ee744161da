import type { People, Person } from '#cloud/auth';
import type { Role } from '#core/access';
import { Invitation } from '#core/invitation';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import { APART, openTestStore } from '#tests/store';
import { seedTenant } from '#tests/tenant';
import { accept, invite, resend, revoke } from '../../../functions/members/invitations.ts';
import { changeRole, memberId, removeMember } from '../../../functions/members/members.ts';

const store = openTestStore(APART);
afterAll(() => store.db.close());
beforeEach(() => (store.ahead = 0));

const DAY = 86_400_000;
const person = (uid: string, email: string, emailVerified = true): Person => ({ uid, email, emailVerified });
const peopleOf = (...all: Person[]): People => ({
  byUid: async (uid) => all.find((one) => one.uid === uid) ?? null,
  byEmail: async (email) => all.find((one) => one.email === email) ?? null,
});
const mia = person('mia', 'Mia@Example.com');
const people = peopleOf(mia);

const owner = (tenant: Tenant, role: Role = 'owner', uid = 'owner0') => ({
  tenant: tenant.id,
  actor: uid,
  email: 'boss@example.com',
  role,
});
const inviteMia = (tenant: Tenant, role: Role = 'editor') =>
  invite(store, tenant, owner(tenant), { email: 'mia@example.com', role });

test('an invitation is accepted once, whatever the case of the address, and then again says the same', async () => {
  const tenant = await seedTenant(store);
  const { token, link, invitation } = await inviteMia(tenant);
  expect(link).toBe(`/join#${token}`);
  expect(invitation).toMatchObject({ status: 'pending', role: 'editor', email: 'mia@example.com' });
  expect(await accept(store, people, 'mia', token)).toMatchObject({ role: 'editor' });
  // A double click, or the same request once more.
  expect(await accept(store, people, 'mia', token)).toMatchObject({ role: 'editor' });
  const member = await store.db.get(paths.member(tenant.id, 'mia'));
  expect(member?.data).toMatchObject({ role: 'editor', email: 'Mia@Example.com', tenant: tenant.id });
});

test('nothing that opens an invitation is kept: neither in it nor in the audit', async () => {
  const tenant = await seedTenant(store);
  const { token } = await inviteMia(tenant);
  const secret = token.slice(-43);
  const again = await resend(store, owner(tenant), token.split('_')[2] ?? '');
  const kept = JSON.stringify(
    (
      await Promise.all([store.db.list(paths.invitations(tenant.id)), store.db.list(paths.audits(tenant.id))])
    ).flat(),
  );
  expect(kept).not.toContain(secret);
  expect(kept).not.toContain(again.token.slice(-43));
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
});

test.each([
  ['another address', peopleOf(person('mia', 'eve@example.com')), 'invitation-not-yours'],
  ['an address nobody has confirmed', peopleOf(person('mia', 'mia@example.com', false)), 'email-unverified'],
  ['an account that is gone or disabled', peopleOf(), 'invitation-not-yours'],
])('it is refused to %s', async (_, who, code) => {
  const tenant = await seedTenant(store);
  const { token } = await inviteMia(tenant);
  await expect(accept(store, who, 'mia', token)).rejects.toMatchObject({ code });
  expect(await store.db.get(paths.member(tenant.id, 'mia'))).toBeNull();
});

test('expired, withdrawn and replaced links say what they are; a foreign or made-up one is none', async () => {
  const tenant = await seedTenant(store);
  const { token, invitation } = await inviteMia(tenant);
  store.ahead = 7 * DAY + 1;
  await expect(accept(store, people, 'mia', token)).rejects.toMatchObject({ code: 'invitation-expired' });

  const renewed = await resend(store, owner(tenant), invitation.id);
  await expect(accept(store, people, 'mia', token)).rejects.toMatchObject({ code: 'invitation-unknown' });
  const swapped = renewed.token.replace(tenant.id, (await seedTenant(store)).id);
  await expect(accept(store, people, 'mia', swapped)).rejects.toMatchObject({ code: 'invitation-unknown' });
  const guessed = renewed.token.slice(0, -4) + 'AAAA';
  await expect(accept(store, people, 'mia', guessed)).rejects.toMatchObject({ code: 'invitation-unknown' });
  await expect(accept(store, people, 'mia', 'twi_x')).rejects.toMatchObject({ code: 'invitation-unknown' });

  expect(await revoke(store, owner(tenant), invitation.id)).toMatchObject({ status: 'revoked' });
  expect(await revoke(store, owner(tenant), invitation.id)).toMatchObject({ status: 'revoked' });
  const late = accept(store, people, 'mia', renewed.token);
  await expect(late).rejects.toMatchObject({ code: 'invitation-revoked' });
  const sendAgain = resend(store, owner(tenant), invitation.id);
  await expect(sendAgain).rejects.toMatchObject({ code: 'invitation-revoked' });
});

test('accepting at the same moment makes one member and one entry; accepting and revoking, one of both', async () => {
  const tenant = await seedTenant(store);
  const { token } = await inviteMia(tenant);
  const results = await Promise.all(Array.from({ length: 8 }, () => accept(store, people, 'mia', token)));
  expect(results.map(({ role }) => role)).toEqual(Array(8).fill('editor'));
  const accepts = await store.db.list(paths.audits(tenant.id), {
    where: [['action', '==', 'invitation.accept']],
  });
  expect(accepts).toHaveLength(1);

  for (let round = 0; round < 5; round++) {
    const other = await seedTenant(store);
    const sent = await inviteMia(other);
    const [accepted, revoked] = await Promise.allSettled([
      accept(store, people, 'mia', sent.token),
      revoke(store, owner(other), sent.invitation.id),
    ]);
    const member = await store.db.get(paths.member(other.id, 'mia'));
    const kept = await store.db.get(paths.invitation(other.id, sent.invitation.id));
    expect([accepted.status, revoked.status].sort()).toEqual(['fulfilled', 'rejected']);
    expect(Invitation.parse(kept?.data).status).toBe(member === null ? 'revoked' : 'accepted');
    expect(accepted.status === 'fulfilled').toBe(member !== null);
  }
});

test('an invitation is worth what its inviter may still do', async () => {
  const tenant = await seedTenant(store, ['owner', 'admin', 'owner']);
  const admin = owner(tenant, 'admin', 'admin1');
  const wanted = { email: 'mia@example.com', role: 'admin' as const };
  const tooHigh = invite(store, tenant, admin, { ...wanted, role: 'owner' });
  await expect(tooHigh).rejects.toMatchObject({ code: 'role-too-high' });

  const { token } = await invite(store, tenant, admin, wanted);
  await changeRole(store, owner(tenant), memberId('admin1'), 'viewer');
  await expect(accept(store, people, 'mia', token)).rejects.toMatchObject({ code: 'invitation-void' });
  await removeMember(store, owner(tenant), memberId('admin1'));
  await expect(accept(store, people, 'mia', token)).rejects.toMatchObject({ code: 'invitation-void' });
  expect(await store.db.get(paths.member(tenant.id, 'mia'))).toBeNull();
});

test('an admin cannot touch an invitation to be an owner', async () => {
  const tenant = await seedTenant(store, ['owner', 'admin']);
  const { invitation } = await inviteMia(tenant, 'owner');
  const admin = owner(tenant, 'admin', 'admin1');
  await expect(revoke(store, admin, invitation.id)).rejects.toMatchObject({ code: 'role-too-high' });
  await expect(resend(store, admin, invitation.id)).rejects.toMatchObject({ code: 'role-too-high' });
});

test('members and those invited are not invited again; a quota ends it', async () => {
  const tenant = await seedTenant(store, ['owner'], { limits: { members: 2 } });
  await inviteMia(tenant);
  await expect(inviteMia(tenant)).rejects.toMatchObject({ code: 'already-invited' });
  const self = { email: `owner0@${tenant.id}.example`, role: 'viewer' as const };
  await expect(invite(store, tenant, owner(tenant), self)).rejects.toMatchObject({ code: 'already-member' });
  const third = invite(store, tenant, owner(tenant), { email: 'zoe@example.com', role: 'viewer' });
  await expect(third).rejects.toMatchObject({ code: 'quota-exceeded' });
});

test('a tenant that is suspended or deleted takes nobody in', async () => {
  const tenant = await seedTenant(store);
  const { token } = await inviteMia(tenant);
  const become = (status: string) =>
    store.db.commit([{ kind: 'update', path: paths.tenant(tenant.id), data: { status } }]);
  await become('suspended');
  await expect(accept(store, people, 'mia', token)).rejects.toMatchObject({ code: 'tenant-suspended' });
  await become('deleted');
  await expect(accept(store, people, 'mia', token)).rejects.toMatchObject({ code: 'invitation-unknown' });
});
