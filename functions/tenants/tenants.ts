import type { z } from 'zod';
import type { Identity } from '#cloud/auth';
import type { Role } from '#core/access';
import { TenantView, type updateTenant as updateContract } from '#core/api/tenants';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { Member, nameKey, Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { create, read, update } from '#store/document';
import { makeId, now, type Store } from '#store/store';

type View = z.infer<typeof TenantView>;
type TenantChanges = z.infer<typeof updateContract.body>;

/** Tenants one person may be an owner of: signing up is free, and each costs the installation something. */
const OWNED_LIMIT = 20;

/** Put before the datasets of tenants that share the installation's project. */
const SHARED_PREFIX = 'tw_';

/**
 * A new tenant in the installation's shared project, with `caller` as its owner, in one batch.
 * @throws TerminalError `too-many-tenants`
 */
export async function signUp(store: Store, config: Config, caller: Identity, name: string): Promise<View> {
  const owned = (await membershipsOf(store, caller.uid)).filter((one) => one.role === 'owner');
  if (owned.length >= OWNED_LIMIT)
    throw new TerminalError('too-many-tenants', `You already own ${owned.length} tenants.`, {
      remedy: `Use one of them, or ask the operator: the limit is ${OWNED_LIMIT}.`,
    });
  const id = makeId(store, 't');
  const at = now(store);
  const tenant = Tenant.parse({
    id,
    name,
    nameKey: nameKey(name),
    plan: 'trial',
    status: 'active',
    cloud: {
      projectId: config.projectId,
      location: config.location,
      bucket: config.bucket,
      datasetPrefix: SHARED_PREFIX,
    },
    createdAt: at,
    updatedAt: at,
  });
  const owner: Member = { uid: caller.uid, email: caller.email, role: 'owner', tenant: id, addedAt: at };
  // The same request, repeated, finds the tenant that its first run made.
  const made = await create(store, paths.tenant(id), Tenant, tenant, {
    writes: [{ kind: 'create', path: paths.member(id, caller.uid), data: owner }],
    audit: { tenant: id, actor: caller.uid, action: 'tenant.create', target: paths.tenant(id) },
  });
  return viewOf(made, 'owner');
}

/** The tenants that `uid` is a member of, by name; or those deleted ones that `uid`, an owner, may still restore. */
export async function listTenantsOf(store: Store, uid: string, deleted: 'no' | 'only'): Promise<View[]> {
  const memberships = await membershipsOf(store, uid);
  const tenants = await Promise.all(memberships.map((one) => read(store, paths.tenant(one.tenant), Tenant)));
  return tenants
    .flatMap((found, index) => {
      const role = memberships[index]?.role;
      if (found === null || role === undefined) return [];
      const { status, purging } = found.value;
      const wanted =
        deleted === 'no' ? status !== 'deleted' : status === 'deleted' && role === 'owner' && !purging;
      return wanted ? [viewOf(found.value, role)] : [];
    })
    .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
}

/** The tenant as its members see it: not where its data lies. */
export function viewOf(tenant: Tenant, role: Role): View {
  return TenantView.parse({ ...tenant, role });
}

/** Renames the tenant, or changes whom the operator writes to. @throws TerminalError `conflict` by `expectedUpdatedAt` */
export async function updateTenant(
  store: Store,
  id: string,
  actor: string,
  { expectedUpdatedAt, ...changes }: TenantChanges,
): Promise<Tenant> {
  const path = paths.tenant(id);
  const audit = { tenant: id, actor, action: 'tenant.update', target: path };
  return update(
    store,
    path,
    Tenant,
    'tenant',
    (tenant) => {
      if (expectedUpdatedAt !== undefined && expectedUpdatedAt !== tenant.updatedAt)
        throw new TerminalError('conflict', 'Somebody else has changed the tenant since it was read.', {
          remedy: 'Read it again and repeat the change.',
        });
      const { name = tenant.name, contact = tenant.contact } = changes;
      if (name === tenant.name && contact === tenant.contact) return {};
      return { name, nameKey: nameKey(name), contact, updatedAt: now(store) };
    },
    audit,
  );
}

async function membershipsOf(store: Store, uid: string): Promise<Member[]> {
  const found = await store.db.listGroup('members', { where: [['uid', '==', uid]], limit: 200 });
  return found.map((one) => Member.parse(one.data));
}
