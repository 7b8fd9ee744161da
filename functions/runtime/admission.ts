import { type Access, may, type Role, scopesAllow } from '#core/access';
import { TerminalError } from '#core/errors';
import { Id } from '#core/ids';
import { paths } from '#core/paths';
import { Member, Tenant } from '#core/tenant';
import { read, readBoth } from '#store/document';
import type { Store } from '#store/store';
import type { Caller, KeyCaller, Person } from './caller.ts';

/** The caller's place in the tenant of the path. `role`: null for an API key, which has scopes. */
export interface Membership {
  readonly tenant: Tenant;
  readonly role: Role | null;
}

/** What admission asks of the installation. */
export interface Doors {
  /** Membership of `tenant`; null where there is none: to the caller the tenant does not exist. */
  readonly membership: (tenant: string, uid: string) => Promise<Membership | null>;
  /** The tenant itself, for API keys; absent where no keys are taken. */
  readonly tenantOf?: (tenant: string) => Promise<Tenant | null>;
  /** The tenant and model of routes whose path names none (a container that serves one model). */
  readonly tenant?: string;
  readonly model?: string;
  /** Whether `uid` is an operator of the installation; absent where no contract asks for one. */
  readonly operator?: (uid: string) => Promise<boolean>;
}

/** Membership as Firestore has it now: a removed member is refused at the next request. */
export function membershipIn(store: Store): Doors['membership'] {
  return async (tenantId, uid) => {
    const [tenant, member] = await readBoth(
      store,
      [paths.tenant(tenantId), Tenant],
      [paths.member(tenantId, uid), Member],
    );
    return tenant === null || member === null ? null : { tenant: tenant.value, role: member.value.role };
  };
}

/** A tenant as Firestore has it now. */
export function tenantIn(store: Store): NonNullable<Doors['tenantOf']> {
  return async (id) => (await read(store, paths.tenant(id), Tenant))?.value ?? null;
}

/**
 * Lets the caller in, or says why not. A tenant the caller has no place in is answered like one that does not exist.
 * @returns the place in the tenant; null where the access asks for none
 * @throws TerminalError `not-found`, `forbidden`, `tenant-suspended`
 */
export async function admit(
  doors: Doors,
  access: Access,
  params: Readonly<Record<string, string>>,
  caller: Caller,
): Promise<Membership | null> {
  // The signature that makes a verifier is all there is to ask of it.
  if (access === 'verifier' || caller.kind === 'verifier') return null;
  if (access === 'signed-in' || access === 'operator') return admitPerson(doors, access, caller);
  const tenantId = params['tenant'] ?? doors.tenant ?? '';
  const membership = await placeOf(doors, tenantId, caller);
  if (membership === null || membership.tenant.status === 'deleted')
    throw new TerminalError('not-found', `There is no tenant "${tenantId}" here.`, {
      remedy: 'Check the address, or ask an owner of the tenant to invite you.',
    });
  if (membership.tenant.status === 'suspended')
    throw new TerminalError('tenant-suspended', 'This tenant is suspended.', { remedy: 'Ask the operator.' });
  if (caller.kind === 'key') allowKey(caller, access, params['model'] ?? doors.model);
  else allowRole(membership.role, access);
  return membership;
}

async function admitPerson(
  doors: Doors,
  access: 'signed-in' | 'operator',
  caller: Person | KeyCaller,
): Promise<null> {
  if (caller.kind === 'key')
    throw new TerminalError('forbidden', 'An API key cannot do this.', { remedy: 'Sign in as a person.' });
  if (access === 'signed-in') return null;
  if (isDocumentId(caller.uid) && (await doors.operator?.(caller.uid)) === true) return null;
  throw new TerminalError('forbidden', 'Only an operator of the installation may do this.', {
    remedy: 'Ask whoever runs the installation.',
  });
}

/** An id that cannot be one is answered like one that is not: nothing is learned from the difference. */
async function placeOf(
  doors: Doors,
  tenantId: string,
  caller: Person | KeyCaller,
): Promise<Membership | null> {
  if (!Id.safeParse(tenantId).success) return null;
  if (caller.kind === 'person')
    return isDocumentId(caller.uid) ? doors.membership(tenantId, caller.uid) : null;
  if (caller.found.tenant !== tenantId) return null;
  const tenant = (await doors.tenantOf?.(tenantId)) ?? null;
  return tenant === null ? null : { tenant, role: null };
}

function allowRole(role: Role | null, access: Exclude<Access, 'signed-in' | 'operator' | 'verifier'>): void {
  if (role !== null && may(role, access)) return;
  throw new TerminalError('forbidden', `Your role (${role ?? 'none'}) does not allow this (${access}).`, {
    remedy: 'Ask an owner or admin of the tenant.',
  });
}

function allowKey({ found: { key } }: KeyCaller, access: Access, model: string | undefined): void {
  if (key.model !== null && model === undefined)
    throw new TerminalError('forbidden', `This API key is for the model ${key.model} only.`, {
      remedy: 'Use a key that is for the whole tenant.',
    });
  // In the words of a model that is not there: so is any other model to this key.
  if (key.model !== null && model !== key.model)
    throw new TerminalError('not-found', `There is no model "${model}" here.`, {
      remedy: 'Check the id; it may have been deleted.',
    });
  if (!scopesAllow(key.scopes, access))
    throw new TerminalError(
      'forbidden',
      `This API key’s scopes (${key.scopes.join(', ')}) do not allow this (${access}).`,
      { remedy: 'Use a key with that scope; what concerns people and keys is for people.' },
    );
}

function isDocumentId(uid: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(uid);
}
