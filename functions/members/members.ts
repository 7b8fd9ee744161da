import type { z } from 'zod';
import { ConflictError, cursorGone, type Write } from '#cloud/firestore';
import { may, mayAssign, type Role } from '#core/access';
import { ApiKey } from '#core/api-key';
import type { listMembers as listContract, MemberView } from '#core/api/members';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { Member } from '#core/tenant';
import { read, readAll, type Stored } from '#store/document';
import { commitChange, idFrom, now, type Store } from '#store/store';

/** More than any plan allows. */
const MOST = 2000;
/** Of one person's keys so many are revoked with their place: as many as fit a batch, and more than any plan allows. */
const MOST_KEYS = 400;

/** Tries of a change that others were faster than. */
const TRIES = 8;

/** Who acts: a member of the tenant. */
export interface Actor {
  readonly tenant: string;
  readonly actor: string;
  readonly role: Role;
}

/** The id that stands for a person in paths: uids are of another form. */
export function memberId(uid: string): string {
  return idFrom('u', uid);
}

/** The member as members see each other. */
export function viewMember({ uid, email, role, addedAt }: Member): MemberView {
  return { id: memberId(uid), uid, email, role, addedAt };
}

/** One page of the tenant's members. There are few: they are read all, so that any order and filter can be had. */
export async function listMembers(
  store: Store,
  tenant: string,
  query: z.output<typeof listContract.query>,
): Promise<{ items: MemberView[]; next: string | null }> {
  const all = (await readAll(store, paths.members(tenant), Member, { limit: MOST }))
    .filter(({ role }) => query.role === undefined || role === query.role)
    .map(viewMember);
  const rank = (one: MemberView) => `${query.sort === 'email' ? (one.email ?? '') : one.addedAt}\n${one.id}`;
  all.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  if (query.order === 'desc') all.reverse();
  const from = query.after === undefined ? 0 : all.findIndex(({ id }) => id === query.after) + 1;
  if (from === 0 && query.after !== undefined) throw cursorGone(query.after);
  const items = all.slice(from, from + query.limit);
  return { items, next: from + query.limit < all.length ? (items.at(-1)?.id ?? null) : null };
}

/** One member. @throws TerminalError `not-found` */
export async function getMember(store: Store, tenant: string, member: string): Promise<MemberView> {
  return viewMember((await find(store, tenant, member)).current.value);
}

/**
 * Gives a member another role.
 * @throws TerminalError `not-found`, `role-too-high`, `last-owner`
 */
export async function changeRole(store: Store, by: Actor, member: string, role: Role): Promise<MemberView> {
  return change(store, by, member, role, (current) => {
    mustReach(by.role, current.value.role);
    mustReach(by.role, role);
    const value: Member = { ...current.value, role };
    return {
      value,
      write: { kind: 'update', path: current.path, data: { role }, version: current.version },
      takesOwner: current.value.role === 'owner' && role !== 'owner',
      action: 'member.update',
    };
  });
}

/**
 * Removes a member.
 * @throws TerminalError `not-found`, `role-too-high`, `last-owner`
 */
export async function removeMember(store: Store, by: Actor, member: string): Promise<MemberView> {
  return change(store, by, member, null, (current) => {
    mustReach(by.role, current.value.role);
    return removal(current, 'member.remove');
  });
}

/** The caller leaves, whatever their role. @throws TerminalError `last-owner` */
export async function leave(store: Store, by: Actor): Promise<MemberView> {
  return change(store, by, memberId(by.actor), null, (current) => removal(current, 'member.leave'));
}

function removal(current: Stored<Member>, action: string): Planned {
  return {
    value: current.value,
    write: { kind: 'delete', path: current.path, version: current.version },
    takesOwner: current.value.role === 'owner',
    action,
  };
}

interface Planned {
  readonly value: Member;
  readonly write: Write;
  /** Whether an owner is lost by it. */
  readonly takesOwner: boolean;
  readonly action: string;
}

/**
 * Makes the change that `plan` says of the member as it is now; anew where somebody else was faster. With it go the API
 * keys they made which can do what they, in their new role (null: none), cannot: the token may be known to them alone.
 */
async function change(
  store: Store,
  by: Actor,
  member: string,
  role: Role | null,
  plan: (current: Stored<Member>) => Planned,
): Promise<MemberView> {
  for (let attempt = 1; ; attempt++) {
    const { current, others } = await find(store, by.tenant, member);
    const planned = plan(current);
    if (planned.write.kind === 'update' && planned.value.role === current.value.role)
      return viewMember(current.value);
    const keys = await keysBeyond(store, by.tenant, current.value.uid, role);
    const before = { role: current.value.role };
    const after = { role, ...(keys.length === 0 ? {} : { revokedKeys: keys.map(({ value }) => value.id) }) };
    const revoked = keys.map(({ path, version }) => ({
      kind: 'update' as const,
      path,
      data: { revokedAt: now(store) },
      version,
    }));
    try {
      await commitChange(store, {
        writes: [planned.write, ...revoked, ...(planned.takesOwner ? [await witness(store, others)] : [])],
        audit: {
          tenant: by.tenant,
          actor: by.actor,
          action: planned.action,
          target: current.path,
          before,
          after,
        },
      });
      return viewMember(planned.value);
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === TRIES) throw error;
    }
  }
}

/** The standing keys that `uid` made and that can do what `role` cannot. */
async function keysBeyond(
  store: Store,
  tenant: string,
  uid: string,
  role: Role | null,
): Promise<Stored<ApiKey>[]> {
  const found = await store.db.list(paths.apiKeys(tenant), {
    where: [
      ['createdBy', '==', uid],
      ['revokedAt', '==', null],
    ],
    limit: MOST_KEYS,
  });
  return found
    .map(({ path, version, data }) => ({ path, version, value: ApiKey.parse(data) }))
    .filter(({ value }) => value.scopes.some((scope) => role === null || !may(role, scope)));
}

/** The member whom `id` stands for, as it is now, and the others. */
async function find(store: Store, tenant: string, id: string) {
  const all = await readAll(store, paths.members(tenant), Member, { limit: MOST });
  const meant = all.find(({ uid }) => memberId(uid) === id);
  const current = meant === undefined ? null : await read(store, paths.member(tenant, meant.uid), Member);
  if (current === null)
    throw new TerminalError('not-found', `There is no member "${id}" here.`, {
      remedy: 'Check the id; they may have left.',
    });
  return { current, others: all.filter(({ uid }) => uid !== current.value.uid) };
}

/**
 * A write that holds only as long as another owner is one: without a witness no owner goes. Of two owners who go at the
 * same moment, each the other's witness, one batch fails, and its next try finds nobody to stand for it.
 * @throws TerminalError `last-owner`
 */
async function witness(store: Store, others: readonly Member[]): Promise<Write> {
  for (const { tenant, uid, role } of others) {
    if (role !== 'owner') continue;
    const now = await read(store, paths.member(tenant, uid), Member);
    if (now?.value.role === 'owner')
      return { kind: 'update', path: now.path, data: { role: 'owner' }, version: now.version };
  }
  throw new TerminalError('last-owner', 'The tenant’s last owner cannot go or take another role.', {
    remedy: 'Make somebody else an owner first, or delete the tenant.',
  });
}

/** Nobody reaches above their own role. @throws TerminalError `role-too-high` */
export function mustReach(actor: Role, role: Role): void {
  if (!mayAssign(actor, role))
    throw new TerminalError('role-too-high', `Your role (${actor}) cannot give or take the role ${role}.`, {
      remedy: 'Ask an owner of the tenant.',
    });
}
