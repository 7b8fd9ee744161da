/** A tenant with members, written straight into the store: for tests of what is done within one. */
import type { Role } from '#core/access';
import { paths } from '#core/paths';
import { Member, nameKey, Tenant } from '#core/tenant';
import type { Store } from '#store/store';
import { freshTenant } from './store.ts';

/** Writes a tenant and one member of each role given, whose uid is `<role><number>`. */
export async function seedTenant(
  store: Store,
  roles: readonly Role[] = ['owner'],
  fields: Partial<Tenant> = {},
): Promise<Tenant> {
  const id = freshTenant();
  const at = new Date(store.clock()).toISOString();
  const cloud = { projectId: 'p', location: 'europe-west1', bucket: 'b', datasetPrefix: 'tw_' };
  const name = fields.name ?? `Tenant ${id}`;
  const tenant = Tenant.parse({
    id,
    name,
    nameKey: nameKey(name),
    plan: 'trial',
    status: 'active',
    cloud,
    createdAt: at,
    updatedAt: at,
    ...fields,
  });
  const members = roles.map((role, index): Member => {
    const uid = `${role}${index}`;
    return { uid, email: `${uid}@${id}.example`, role, tenant: id, addedAt: at };
  });
  await store.db.commit([
    { kind: 'create', path: paths.tenant(id), data: tenant },
    ...members.map((data) => ({ kind: 'create' as const, path: paths.member(id, data.uid), data })),
  ]);
  return tenant;
}
