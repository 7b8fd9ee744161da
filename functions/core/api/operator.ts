import { z } from 'zod';
import { AuditRecord, AuditVerification } from '../audit.ts';
import { Deletion } from '../deletion.ts';
import { Moment } from '../ids.ts';
import { Plan, Tenant } from '../tenant.ts';
import { listAudit, verifyAudit } from './audit.ts';
import { contract, listQuery, pageOf } from './contract.ts';
import { TenantDeletion } from './tenants.ts';

/** A tenant as operators see it: how it stands and how large it is, nothing of what is in it. */
export const TenantSummary = Tenant.omit({ nameKey: true }).extend({
  members: z.int(),
  models: z.int(),
  /** The newest entry of its audit; null where there is none. */
  lastActivityAt: Moment.nullable(),
});
export type TenantSummary = z.infer<typeof TenantSummary>;

const Limit = z.int().min(0).max(1_000_000).optional();
/** Limits that are to differ from the plan's (core/limits.ts). What is left out is as the plan says. */
export const TenantLimits = z.strictObject({
  read: Limit,
  write: Limit,
  trigger: Limit,
  models: Limit,
  sourcesPerModel: Limit,
  members: Limit,
  keys: Limit,
  runsPerDay: Limit,
});

export const listAllTenants = contract({
  method: 'GET',
  path: '/api/operator/tenants',
  access: 'operator',
  summary: 'All tenants of the installation, by when they came; or by name, with `search` for its beginning.',
  query: listQuery({ status: Tenant.shape.status.optional(), plan: Plan.optional() }, [
    'createdAt',
    'nameKey',
  ])
    .omit({ deleted: true })
    .extend({ search: z.string().trim().min(1).max(80).optional() }),
  answer: pageOf(TenantSummary),
});

export const getAnyTenant = contract({
  method: 'GET',
  path: '/api/operator/tenants/{tenant}',
  access: 'operator',
  summary: 'One tenant of the installation.',
  answer: TenantSummary,
});

export const changePlan = contract({
  method: 'PATCH',
  path: '/api/operator/tenants/{tenant}',
  access: 'operator',
  summary: 'Change a tenant’s plan, or the limits in which it differs from the plan.',
  body: z.strictObject({ plan: Plan.optional(), limits: TenantLimits.optional() }),
  answer: TenantSummary,
});

export const suspendTenant = contract({
  method: 'POST',
  path: '/api/operator/tenants/{tenant}/suspend',
  access: 'operator',
  summary: 'Shut a tenant out; nothing of it is removed.',
  body: z.strictObject({ reason: z.string().trim().min(1).max(500) }),
  answer: TenantSummary,
});

export const reactivateTenant = contract({
  method: 'POST',
  path: '/api/operator/tenants/{tenant}/reactivate',
  access: 'operator',
  summary: 'Let a suspended tenant in again.',
  answer: TenantSummary,
});

export const deleteAnyTenant = contract({
  method: 'DELETE',
  path: '/api/operator/tenants/{tenant}',
  access: 'operator',
  summary: 'Delete a tenant as its owner could: after 30 days, or at once.',
  body: z.strictObject({ confirm: z.string().max(200), now: z.boolean().default(false) }),
  answer: TenantDeletion,
  status: 202,
});

export const restoreAnyTenant = contract({
  method: 'POST',
  path: '/api/operator/tenants/{tenant}/restore',
  access: 'operator',
  summary: 'Undo the deletion of a tenant before it goes for good.',
  answer: TenantSummary,
});

/** A deletion as operators see it: the certificate, once it is done. */
export const DeletionView = Deletion.omit({ cloud: true, nextLookAt: true, pending: true });

export const listDeletions = contract({
  method: 'GET',
  path: '/api/operator/deletions',
  access: 'operator',
  summary: 'Removals of tenants, under way and done.',
  query: listQuery({ state: Deletion.shape.state.optional() }, ['startedAt']).omit({ deleted: true }),
  answer: pageOf(DeletionView),
});

export const getDeletion = contract({
  method: 'GET',
  path: '/api/operator/deletions/{tenant}',
  access: 'operator',
  summary: 'The removal of a tenant: how far it has come, or the certificate that nothing is left.',
  answer: DeletionView,
});

export const listInstallationAudit = contract({
  method: 'GET',
  path: '/api/operator/audit',
  access: 'operator',
  summary:
    'What operators did that concerns no tenant, and who was refused where no tenant was asked for; newest first.',
  query: listAudit.query,
  answer: pageOf(AuditRecord),
});

export const verifyInstallationAudit = contract({
  method: 'GET',
  path: '/api/operator/audit/verification',
  access: 'operator',
  summary: 'Whether that audit is as it was sealed: from a block on, the first thing that is not is named.',
  query: verifyAudit.query,
  answer: AuditVerification,
  rate: 'trigger',
});
