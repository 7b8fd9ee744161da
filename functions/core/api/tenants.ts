import { z } from 'zod';
import { Role } from '../access.ts';
import { Name } from '../ids.ts';
import { Tenant } from '../tenant.ts';
import { contract } from './contract.ts';

/** A tenant as its members see it. */
export const TenantView = Tenant.omit({ cloud: true }).extend({ role: Role });

export const createTenant = contract({
  method: 'POST',
  path: '/api/tenants',
  access: 'signed-in',
  summary: 'Sign up: create a tenant and become its owner.',
  body: z.strictObject({ name: Name }),
  answer: TenantView,
  status: 201,
});

export const listTenants = contract({
  method: 'GET',
  path: '/api/tenants',
  access: 'signed-in',
  summary: 'The tenants the caller is a member of.',
  answer: z.object({ items: z.array(TenantView) }),
});

export const getTenant = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}',
  access: 'read',
  summary: 'One tenant.',
  answer: TenantView,
});
