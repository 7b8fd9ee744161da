import { z } from 'zod';
import { Role } from './access.ts';
import { Id, Moment, Name } from './ids.ts';
import { deletable, editable } from './resource.ts';

/** Where a tenant's data lives: its own Google Cloud project, or the shared one with a prefix. Code never asks which. */
export const TenantCloud = z.object({
  projectId: z.string(),
  location: z.string(),
  bucket: z.string(),
  /** Put before every dataset name; empty in a project of the tenant's own. */
  datasetPrefix: z.string(),
});
export type TenantCloud = z.infer<typeof TenantCloud>;

export const Plan = z.enum(['trial', 'standard']);
export type Plan = z.infer<typeof Plan>;

/** An e-mail address, in lower case: addresses are compared so. */
export const Email = z
  .string()
  .trim()
  .max(254)
  .toLowerCase()
  .pipe(z.email('must look like name@example.com'));

/** A customer of this installation: `tenants/{t}`. */
export const Tenant = z.object({
  id: Id,
  name: Name,
  /** The name as it is searched for: see `nameKey`. */
  nameKey: z.string().default(''),
  plan: Plan,
  status: z.enum(['active', 'suspended', 'deleted']),
  /** Why an operator suspended it; null while it is not. */
  suspendedFor: z.string().max(500).nullable().default(null),
  /** Whom the operator writes to. */
  contact: Email.nullable().default(null),
  /** Limits that differ from the plan's, by their names (core/limits.ts). */
  limits: z.record(z.string(), z.int().min(0)).default({}),
  cloud: TenantCloud,
  ...editable,
  ...deletable,
  /** When a deleted tenant goes for good. */
  purgeAt: Moment.nullable().default(null),
  /** It is going: no way back. */
  purging: z.boolean().default(false),
});
export type Tenant = z.infer<typeof Tenant>;

/** How a name is searched for: lower case, without accents. */
export function nameKey(name: string): string {
  return name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/** A person's place in a tenant: `tenants/{t}/members/{uid}`, read at every request. */
export const Member = z.object({
  uid: z.string(),
  email: z.string().nullable(),
  role: Role,
  tenant: Id,
  addedAt: Moment,
});
export type Member = z.infer<typeof Member>;
