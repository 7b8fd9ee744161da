import { z } from 'zod';

/** Roles of a tenant's members. */
export const Role = z.enum(['owner', 'admin', 'editor', 'viewer', 'finance']);
export type Role = z.infer<typeof Role>;

/**
 * What a contract asks of the caller. `signed-in`: any user; `verifier`: no user at all but the deployment's own signature
 * (api/verify.ts); the others: a membership of the tenant in the path.
 */
export type Access = 'signed-in' | 'verifier' | Capability;
export type Capability = 'read' | 'edit' | 'run' | 'deploy' | 'administer';

const GRANTS: Readonly<Record<Role, readonly Capability[]>> = {
  owner: ['read', 'edit', 'run', 'deploy', 'administer'],
  admin: ['read', 'edit', 'run', 'deploy', 'administer'],
  editor: ['read', 'edit', 'run', 'deploy'],
  viewer: ['read'],
  finance: ['read'],
};

/** Whether `role` may do what `capability` names. The one table for server and web. */
export function may(role: Role, capability: Capability): boolean {
  return GRANTS[role].includes(capability);
}
