import { z } from 'zod';

/** Roles of a tenant's members. The operator is no role of a tenant but of the installation: `operators/{uid}`. */
export const ROLES = ['owner', 'admin', 'editor', 'viewer', 'finance'] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/**
 * What can be asked of a caller within a tenant.
 *
 * - `belong`: be a member, in whatever role: see the tenant itself, leave it
 * - `read`, `edit`, `run`, `deploy`: models and everything below them
 * - `recommend`: ask deployed models
 * - `read-usage`, `read-audit`: what was used, who did what
 * - `manage-members`, `manage-keys`: people and API keys
 * - `own`: rename, export, delete the tenant itself
 */
export const CAPABILITIES = [
  'belong',
  'read',
  'recommend',
  'edit',
  'run',
  'deploy',
  'read-usage',
  'read-audit',
  'manage-members',
  'manage-keys',
  'own',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/**
 * What a contract asks of the caller. `signed-in`: any user; `operator`: an operator of the installation; `verifier`: no
 * user at all but the deployment's own signature (api/verify.ts); the others: a place in the tenant of the path.
 */
export type Access = 'signed-in' | 'operator' | 'verifier' | Capability;

const GRANTS: Readonly<Record<Role, readonly Capability[]>> = {
  owner: CAPABILITIES,
  admin: CAPABILITIES.filter((one) => one !== 'own'),
  editor: ['belong', 'read', 'recommend', 'edit', 'run', 'deploy'],
  viewer: ['belong', 'read', 'recommend'],
  finance: ['belong', 'read-usage'],
};

/** Whether `role` may do what `capability` names. The one table for server and web. */
export function may(role: Role, capability: Capability): boolean {
  return GRANTS[role].includes(capability);
}

/** What an API key can be given: machines read, run, deploy and recommend; people and keys are managed by people. */
export const KEY_SCOPES = [
  'recommend',
  'read',
  'edit',
  'run',
  'deploy',
] as const satisfies readonly Capability[];
export const KeyScope = z.enum(KEY_SCOPES);
export type KeyScope = z.infer<typeof KeyScope>;

/** Whether a key of these scopes may do what `access` asks. */
export function scopesAllow(scopes: readonly KeyScope[], access: Access): boolean {
  return scopes.some((scope) => scope === access);
}

/** Whether a member in `actor`'s role may give or take `role`: nobody reaches above their own. */
export function mayAssign(actor: Role, role: Role): boolean {
  return may(actor, 'manage-members') && (actor === 'owner' || role !== 'owner');
}
