import { signal } from '@preact/signals';
import type { z } from 'zod';
import { type Capability, may } from '#core/access';
import { listTenants, type TenantView } from '#core/api/tenants';
import { leave, watchUser } from './accounts.ts';
import { api } from './api.ts';

export type Tenant = z.infer<typeof TenantView>;

export type Session =
  | { readonly state: 'starting' }
  | { readonly state: 'signed-out' }
  | {
      readonly state: 'signed-in';
      readonly uid: string;
      readonly email: string;
      readonly tenants: readonly Tenant[];
    }
  | { readonly state: 'failed'; readonly error: unknown };

/** Who uses the page and which tenants they belong to. */
export const session = signal<Session>({ state: 'starting' });

/** Follows Firebase Auth from now on. */
export function startSession(): void {
  watchUser((user) => {
    if (user === null) session.value = { state: 'signed-out' };
    else void refreshTenants(user.uid, user.email ?? '');
  }).catch((error: unknown) => (session.value = { state: 'failed', error }));
}

async function refreshTenants(uid: string, email: string): Promise<void> {
  try {
    const { items } = await api(listTenants);
    session.value = { state: 'signed-in', uid, email, tenants: items };
  } catch (error) {
    session.value = { state: 'failed', error };
  }
}

/** Adds a tenant that was just created. */
export function addTenant(tenant: Tenant): void {
  if (session.value.state === 'signed-in')
    session.value = { ...session.value, tenants: [...session.value.tenants, tenant] };
}

export async function endSession(): Promise<void> {
  await leave();
  session.value = { state: 'signed-out' };
}

/** The tenant `id` as the signed-in person sees it; null where they are no member of it. */
export function tenantOf(id: string): Tenant | null {
  return session.value.state === 'signed-in'
    ? (session.value.tenants.find((tenant) => tenant.id === id) ?? null)
    : null;
}

/** Whether the signed-in person may do `capability` in `tenant`, as the server will judge again. */
export function allowed(tenant: string, capability: Capability): boolean {
  const role = tenantOf(tenant)?.role;
  return role !== undefined && may(role, capability);
}
