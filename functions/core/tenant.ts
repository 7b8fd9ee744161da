import { z } from 'zod';
import { Role } from './access.ts';
import { Id, Moment, Name } from './ids.ts';

/** Where a tenant's data lives: its own Google Cloud project, or the shared one with a prefix. Code never asks which. */
export const TenantCloud = z.object({
  projectId: z.string(),
  location: z.string(),
  bucket: z.string(),
  /** Put before every dataset name; empty in a project of the tenant's own. */
  datasetPrefix: z.string(),
});
export type TenantCloud = z.infer<typeof TenantCloud>;

/** A customer of this installation: `tenants/{t}`. */
export const Tenant = z.object({
  id: Id,
  name: Name,
  plan: z.enum(['trial', 'standard']),
  status: z.enum(['active', 'suspended', 'deleted']),
  cloud: TenantCloud,
  createdAt: Moment,
});
export type Tenant = z.infer<typeof Tenant>;

/** A person's place in a tenant: `tenants/{t}/members/{uid}`, read at every request. */
export const Member = z.object({
  uid: z.string(),
  email: z.string().nullable(),
  role: Role,
  tenant: Id,
  addedAt: Moment,
});
export type Member = z.infer<typeof Member>;
