import { z } from 'zod';
import { Role } from '../access.ts';
import { Id, Moment, Name } from '../ids.ts';
import { editGuard } from '../resource.ts';
import { Email, Tenant } from '../tenant.ts';
import { TenantExport, TenantImport } from '../tenant-file.ts';
import { Amounts } from '../usage.ts';
import { contract, listQuery, pageOf } from './contract.ts';

/** A tenant as its members see it. */
export const TenantView = Tenant.pick({
  id: true,
  name: true,
  plan: true,
  status: true,
  contact: true,
  createdAt: true,
  updatedAt: true,
  deletedAt: true,
  purgeAt: true,
}).extend({ role: Role });

/** What a deletion has come to. */
export const TenantDeletion = z.object({
  id: Id,
  deletedAt: Moment,
  /** Until then it can be restored. */
  purgeAt: Moment,
});

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
  summary:
    'The tenants the caller is a member of; or those deleted ones that the caller, an owner, can restore.',
  query: z.strictObject({ deleted: z.enum(['no', 'only']).default('no') }),
  answer: z.object({ items: z.array(TenantView) }),
});

export const getTenant = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}',
  access: 'belong',
  summary: 'One tenant.',
  answer: TenantView,
});

export const updateTenant = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}',
  access: 'own',
  summary: 'Rename the tenant, or change whom the operator writes to.',
  body: z.strictObject({ name: Name.optional(), contact: Email.nullable().optional(), ...editGuard }),
  answer: TenantView,
});

export const deleteTenant = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}',
  access: 'own',
  summary: 'Delete the tenant: everything of it goes for good after 30 days, or at once.',
  body: z.strictObject({
    confirm: z.string().max(200).describe('The tenant’s name, to show that this one is meant.'),
    now: z.boolean().default(false).describe('Do not wait: there is no way back.'),
  }),
  answer: TenantDeletion,
  status: 202,
});

export const restoreTenant = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/restore',
  // A deleted tenant is not there for its members: the handler itself asks for an owner.
  access: 'signed-in',
  summary: 'Undo the deletion of a tenant, as its owner, before it goes for good.',
  answer: TenantView,
});

const UsageOfKind = z.object({ runs: z.int(), amounts: Amounts });

export const getUsage = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/usage',
  access: 'read-usage',
  summary: 'What the runs that ended in a month (UTC) used.',
  query: z.strictObject({ month: z.string().regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'must look like 2026-11') }),
  answer: z.object({ month: z.string(), etl: UsageOfKind, pipeline: UsageOfKind }),
});

export const createExport = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/exports',
  access: 'own',
  summary: 'Write the tenant’s configuration and history, without secrets and warehouse data, to a file.',
  answer: TenantExport,
  status: 202,
  rate: 'trigger',
});

export const listExports = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/exports',
  access: 'own',
  summary: 'The tenant’s exports.',
  query: listQuery({ status: TenantExport.shape.status.optional() }, ['createdAt']).omit({ deleted: true }),
  answer: pageOf(TenantExport),
});

export const getExport = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/exports/{export}',
  access: 'own',
  summary: 'One export.',
  answer: TenantExport,
});

export const addressExport = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/exports/{export}/address',
  access: 'own',
  summary: 'An address from which the export’s file can be downloaded for ten minutes.',
  answer: z.object({ address: z.url(), expiresAt: Moment }),
  secretAnswer: true,
});

export const createImport = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/imports',
  access: 'own',
  summary: 'Begin an import into a tenant without models: where to put the export’s file.',
  body: z.strictObject({
    bytes: z
      .int()
      .min(1)
      .max(2 ** 30),
  }),
  answer: z.object({ import: TenantImport, address: z.url() }),
  status: 201,
  secretAnswer: true,
});

export const startImport = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/imports/{import}/start',
  access: 'own',
  summary: 'Read the uploaded file in.',
  answer: TenantImport,
  status: 202,
  rate: 'trigger',
});

export const listImports = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/imports',
  access: 'own',
  summary: 'The tenant’s imports.',
  query: listQuery({ status: TenantImport.shape.status.optional() }, ['createdAt']).omit({ deleted: true }),
  answer: pageOf(TenantImport),
});

export const getImport = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/imports/{import}',
  access: 'own',
  summary: 'One import: how far it has come, and what must be set again.',
  answer: TenantImport,
});
