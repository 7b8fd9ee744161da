import { createHash, timingSafeEqual } from 'node:crypto';
import { ConflictError } from '#cloud/firestore';
import type { People, Person } from '#cloud/auth';
import { mayAssign, type Role } from '#core/access';
import { TerminalError } from '#core/errors';
import { toMoment } from '#core/ids';
import {
  formatToken,
  Invitation,
  INVITATION_DAYS,
  parseToken,
  viewInvitation,
  type InvitationView,
} from '#core/invitation';
import { checkQuota } from '#core/limits';
import { paths } from '#core/paths';
import { Member, Tenant } from '#core/tenant';
import { changedFields, mustRead, read, readBoth, revise, type Stored } from '#store/document';
import { commitChange, makeId, now, type Store } from '#store/store';
import { type Actor, mustReach } from './members.ts';

/** An invitation with what the inviter sends. */
export interface Sent {
  readonly invitation: InvitationView;
  readonly link: string;
  readonly token: string;
}

/**
 * Invites the owner of an address.
 * @throws TerminalError `role-too-high`, `already-invited`, `already-member`, `quota-exceeded`
 */
export async function invite(
  store: Store,
  tenant: Tenant,
  by: Actor & { readonly email: string | null },
  wanted: { readonly email: string; readonly role: Role },
): Promise<Sent> {
  mustReach(by.role, wanted.role);
  const at = now(store);
  const [open, members] = await Promise.all([
    store.db.list(paths.invitations(tenant.id), { where: [['status', '==', 'pending']], limit: 2000 }),
    store.db.list(paths.members(tenant.id), { limit: 2000 }),
  ]);
  const valid = open.map(({ data }) => Invitation.parse(data)).filter(({ expiresAt }) => expiresAt > at);
  if (valid.some(({ email }) => email === wanted.email))
    throw new TerminalError('already-invited', `${wanted.email} is invited already.`, {
      remedy: 'Send the invitation again (resend), or revoke it first.',
    });
  if (members.some(({ data }) => Member.parse(data).email?.toLowerCase() === wanted.email))
    throw new TerminalError('already-member', `${wanted.email} is a member already.`, {
      remedy: 'Give the member another role instead.',
    });
  checkQuota(tenant, 'members', members.length + valid.length);
  const id = makeId(store, 'i');
  const { token, tokenHash } = makeToken(store, tenant.id, id);
  const invitation: Invitation = {
    id,
    ...wanted,
    status: 'pending',
    tokenHash,
    invitedBy: by.actor,
    invitedByEmail: by.email,
    createdAt: at,
    updatedAt: at,
    expiresAt: untilOf(store),
    acceptedAt: null,
    acceptedBy: null,
  };
  const path = paths.invitation(tenant.id, id);
  await commitChange(store, {
    writes: [{ kind: 'create', path, data: invitation }],
    audit: { tenant: tenant.id, actor: by.actor, action: 'invitation.create', target: path, after: wanted },
  });
  return sent(invitation, token, at);
}

/** One invitation. @throws TerminalError `not-found` */
export async function getInvitation(store: Store, tenant: string, id: string): Promise<InvitationView> {
  const { value } = await mustRead(store, paths.invitation(tenant, id), Invitation, 'invitation');
  return viewInvitation(value, now(store));
}

/** A new link; the former is void. @throws TerminalError `not-found`, `role-too-high`, `invitation-used`, `invitation-revoked` */
export async function resend(store: Store, by: Actor, id: string): Promise<Sent> {
  const { token, tokenHash } = makeToken(store, by.tenant, id);
  const invitation = await changeOpen(store, by, id, 'invitation.resend', () => ({
    tokenHash,
    expiresAt: untilOf(store),
  }));
  return sent(invitation, token, now(store));
}

/** Withdraws it. @throws TerminalError `not-found`, `role-too-high`, `invitation-used`. Of one revoked already, it says so. */
export async function revoke(store: Store, by: Actor, id: string): Promise<InvitationView> {
  const path = paths.invitation(by.tenant, id);
  const { value } = await mustRead(store, path, Invitation, 'invitation');
  const invitation =
    value.status === 'revoked'
      ? value
      : await changeOpen(store, by, id, 'invitation.revoke', () => ({ status: 'revoked' }));
  return viewInvitation(invitation, now(store));
}

async function changeOpen(
  store: Store,
  by: Actor,
  id: string,
  action: string,
  patch: () => Partial<Invitation>,
): Promise<Invitation> {
  const path = paths.invitation(by.tenant, id);
  await mustRead(store, path, Invitation, 'invitation');
  const changed = await revise(store, path, Invitation, (current) => {
    mustReach(by.role, current.role);
    mustBeOpen(current);
    const value = { ...current, ...patch(), updatedAt: now(store) };
    // The hash is of no use to anybody, and still no business of the audit.
    const { before, after } = changedFields({ ...current, tokenHash: '' }, { ...value, tokenHash: '' });
    return { value, audit: { tenant: by.tenant, actor: by.actor, action, target: path, before, after } };
  });
  if (changed === null) throw new Error('an open invitation was not changed');
  return changed;
}

/**
 * Accepts an invitation: once, in its time, by whoever has shown that its address is theirs.
 * @throws TerminalError `invitation-unknown`, `invitation-used`, `invitation-revoked`, `invitation-expired`,
 *   `invitation-void`, `invitation-not-yours`, `email-unverified`, `already-member`, `quota-exceeded`
 */
export async function accept(
  store: Store,
  people: People,
  uid: string,
  text: string,
): Promise<{ readonly tenant: Tenant; readonly role: Role }> {
  const { tenant, invitation, current } = await findByToken(store, text, uid);
  const person = await people.byUid(uid);
  mustOwnAddress(person, invitation.value.email);
  if (invitation.value.status === 'accepted' && invitation.value.acceptedBy === uid && current !== null)
    return { tenant, role: current.value.role };
  mustBeOpen(invitation.value);
  const at = now(store);
  if (invitation.value.expiresAt <= at)
    throw new TerminalError('invitation-expired', 'The invitation’s time is over.', {
      remedy: 'Ask whoever invited you for a new link.',
    });
  if (current !== null)
    throw new TerminalError('already-member', 'You are a member of this tenant already.', {
      remedy: 'Open the tenant; an owner or admin can change your role.',
    });
  const inviter = await read(store, paths.member(tenant.id, invitation.value.invitedBy), Member);
  if (inviter === null || !mayAssign(inviter.value.role, invitation.value.role))
    throw new TerminalError('invitation-void', 'Whoever invited you may not do so any longer.', {
      remedy: 'Ask an owner or admin of the tenant for a new invitation.',
    });
  const { role } = invitation.value;
  const member: Member = { uid, email: person?.email ?? null, role, tenant: tenant.id, addedAt: at };
  try {
    await commitChange(store, {
      writes: [
        {
          kind: 'update',
          path: invitation.path,
          data: { status: 'accepted', acceptedAt: at, acceptedBy: uid, updatedAt: at },
          version: invitation.version,
        },
        { kind: 'create', path: paths.member(tenant.id, uid), data: member },
        // Whoever takes the inviter's right away at this very moment comes before or after, not between.
        {
          kind: 'update',
          path: inviter.path,
          data: { role: inviter.value.role },
          version: inviter.version,
        },
      ],
      audit: {
        tenant: tenant.id,
        actor: uid,
        action: 'invitation.accept',
        target: invitation.path,
        after: { role, member: uid },
      },
    });
    return { tenant, role };
  } catch (error) {
    // Somebody was faster: at accepting, revoking or sending it again. The newest state says which.
    if (!(error instanceof ConflictError)) throw error;
    return accept(store, people, uid, text);
  }
}

/** What a link leads to, and whether `uid` is a member there already, as of the same moment. */
async function findByToken(
  store: Store,
  text: string,
  uid: string,
): Promise<{ tenant: Tenant; invitation: Stored<Invitation>; current: Stored<Member> | null }> {
  const token = parseToken(text);
  if (token === null) throw unknownInvitation();
  const [tenant, [invitation, current]] = await Promise.all([
    read(store, paths.tenant(token.tenant), Tenant),
    // Read apart, an invitation could be open still and its member there already: accepting twice would be refused.
    readBoth(
      store,
      [paths.invitation(token.tenant, token.invitation), Invitation],
      [paths.member(token.tenant, uid), Member],
    ),
  ]);
  const fits =
    invitation !== null &&
    timingSafeEqual(Buffer.from(hashOf(token.secret)), Buffer.from(invitation.value.tokenHash));
  if (!fits || tenant === null || tenant.value.status === 'deleted') throw unknownInvitation();
  if (tenant.value.status === 'suspended')
    throw new TerminalError('tenant-suspended', 'This tenant is suspended.', { remedy: 'Ask the operator.' });
  return { tenant: tenant.value, invitation, current };
}

/** One answer for whatever is no genuine link of a tenant that is there. */
function unknownInvitation(): TerminalError {
  return new TerminalError('invitation-unknown', 'The link is not one of an invitation, or no longer.', {
    remedy: 'Copy the whole link, or ask whoever invited you for a new one.',
  });
}

function mustOwnAddress(person: Person | null, email: string): void {
  if (person?.email?.toLowerCase() !== email)
    throw new TerminalError('invitation-not-yours', 'The invitation is for another e-mail address.', {
      remedy: 'Sign in with the address that the invitation was sent to.',
    });
  // Anybody can sign up with any address; whoever has its mailbox is told apart by the sign-in service's own mail.
  if (!person.emailVerified)
    throw new TerminalError('email-unverified', 'Your e-mail address is not confirmed yet.', {
      remedy: 'Open the confirmation mail and follow its link, then accept the invitation again.',
    });
}

function mustBeOpen({ status }: Invitation): void {
  if (status === 'accepted')
    throw new TerminalError('invitation-used', 'The invitation was accepted already.', {
      remedy: 'Open the tenant, or ask for an invitation of your own.',
    });
  if (status === 'revoked')
    throw new TerminalError('invitation-revoked', 'The invitation was withdrawn.', {
      remedy: 'Ask whoever invited you for a new one.',
    });
}

function makeToken(store: Store, tenant: string, invitation: string) {
  const secret = Buffer.from(store.random(32)).toString('base64url');
  return { token: formatToken({ tenant, invitation, secret }), tokenHash: hashOf(secret) };
}

/** 256 random bits need neither salt nor stretching. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function untilOf(store: Store): string {
  return toMoment(store.clock() + INVITATION_DAYS * 86_400_000);
}

function sent(invitation: Invitation, token: string, at: string): Sent {
  return { invitation: viewInvitation(invitation, at), token, link: `/join#${token}` };
}
