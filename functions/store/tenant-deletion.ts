import { Member, Tenant } from '#core/tenant';
import { TerminalError } from '#core/errors';
import { announce } from '#core/events';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { GRACE_DAYS } from '#core/resource';
import { read, revise } from './document.ts';
import { now, type Store } from './store.ts';

/** What a deletion needs to be told. */
export interface DeletionRequest {
  readonly tenant: string;
  readonly actor: string;
  /** The tenant's name as whoever asks has typed it. */
  readonly confirm: string;
  /** Without the grace in which it can be undone. */
  readonly now: boolean;
}

/**
 * Deletes a tenant: nobody gets in from now on, and once its grace is over everything of it goes. Repeated, it answers
 * with the deletion there is, or takes away the grace.
 * @throws TerminalError `confirmation-missing`
 */
export async function deleteTenant(
  store: Store,
  request: DeletionRequest,
): Promise<{ readonly id: string; readonly deletedAt: string; readonly purgeAt: string }> {
  const path = paths.tenant(request.tenant);
  const at = now(store);
  const changed = await revise(store, path, Tenant, (tenant) => {
    if (request.confirm.trim() !== tenant.name)
      throw new TerminalError('confirmation-missing', 'The name given is not this tenant’s name.', {
        remedy: 'Give the tenant’s name exactly, to show that this is the one to be deleted.',
      });
    if (tenant.status === 'deleted' && !(request.now && (tenant.purgeAt ?? '') > at)) return null;
    const purgeAt = request.now ? at : toMoment(Date.parse(at) + GRACE_DAYS * 86_400_000);
    const value: Tenant = {
      ...tenant,
      status: 'deleted',
      deletedAt: tenant.deletedAt ?? at,
      purgeAt,
      updatedAt: at,
    };
    return {
      value,
      announcements: request.now ? [announce('tenant-deletion-requested', { tenant: tenant.id })] : [],
      audit: { tenant: tenant.id, actor: request.actor, action: 'tenant.delete', target: path },
    };
  });
  const tenant = changed ?? (await mustBeTenant(store, request.tenant));
  return { id: tenant.id, deletedAt: tenant.deletedAt ?? at, purgeAt: tenant.purgeAt ?? at };
}

/**
 * Undoes a deletion while the grace lasts.
 * @throws TerminalError `tenant-going` once the removal has begun
 */
export async function restoreTenant(store: Store, id: string, actor: string): Promise<Tenant> {
  const path = paths.tenant(id);
  const changed = await revise(store, path, Tenant, (tenant) => {
    if (tenant.status !== 'deleted') return null;
    if (tenant.purging || (tenant.purgeAt ?? '') <= now(store))
      throw new TerminalError('tenant-going', 'The tenant’s removal has begun and cannot be undone.', {
        remedy: 'Sign up anew; an export made before can be imported there.',
      });
    const value: Tenant = {
      ...tenant,
      status: tenant.suspendedFor === null ? 'active' : 'suspended',
      deletedAt: null,
      purgeAt: null,
      updatedAt: now(store),
    };
    return {
      value,
      audit: { tenant: id, actor, action: 'tenant.restore', target: path },
    };
  });
  return changed ?? mustBeTenant(store, id);
}

/** Restores the tenant for its owner `uid`; to everybody else a deleted tenant is one that never was. */
export async function restoreAsOwner(store: Store, id: string, uid: string, actor: string): Promise<Tenant> {
  const [tenant, member] = await Promise.all([
    read(store, paths.tenant(id), Tenant),
    read(store, paths.member(id, uid), Member),
  ]);
  if (tenant === null || member?.value.role !== 'owner') throw unknownTenant(id);
  return restoreTenant(store, id, actor);
}

async function mustBeTenant(store: Store, id: string): Promise<Tenant> {
  const found = await read(store, paths.tenant(id), Tenant);
  if (found === null) throw unknownTenant(id);
  return found.value;
}

function unknownTenant(id: string): TerminalError {
  // Word for word what a stranger is told of any tenant: nothing is learned from the difference.
  return new TerminalError('not-found', `There is no tenant "${id}" here.`, {
    remedy: 'Check the address, or ask an owner of the tenant to invite you.',
  });
}
