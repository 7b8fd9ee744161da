import type { z } from 'zod';
import type { Identity } from '#cloud/auth';
import type { Role } from '#core/access';
import type { TenantView } from '#core/api/tenants';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { Member, Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { read } from '#store/document';
import { commitChange, makeId, now, type Store } from '#store/store';

type View = z.infer<typeof TenantView>;

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
  const tenant: Tenant = {
    id,
    name,
    plan: 'trial',
    status: 'active',
    cloud: {
      projectId: config.projectId,
      location: config.location,
      bucket: config.bucket,
      datasetPrefix: SHARED_PREFIX,
    },
    createdAt: at,
  };
  const owner: Member = { uid: caller.uid, email: caller.email, role: 'owner', tenant: id, addedAt: at };
  await commitChange(store, {
    writes: [
      { kind: 'create', path: paths.tenant(id), data: tenant },
      { kind: 'create', path: paths.member(id, caller.uid), data: owner },
    ],
    audit: { tenant: id, actor: caller.uid, action: 'tenant.create', target: paths.tenant(id) },
  });
  return viewOf(tenant, 'owner');
}

/** The tenants that `uid` is a member of, by name; deleted ones are not shown. */
export async function listTenantsOf(store: Store, uid: string): Promise<View[]> {
  const memberships = await membershipsOf(store, uid);
  const tenants = await Promise.all(memberships.map((one) => read(store, paths.tenant(one.tenant), Tenant)));
  return tenants
    .flatMap((found, index) => {
      const role = memberships[index]?.role;
      return found === null || role === undefined || found.value.status === 'deleted'
        ? []
        : [viewOf(found.value, role)];
    })
    .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
}

/** The tenant as its members see it: not where its data lies. */
export function viewOf(tenant: Tenant, role: Role): View {
  const { cloud: _, ...rest } = tenant;
  return { ...rest, role };
}

async function membershipsOf(store: Store, uid: string): Promise<Member[]> {
  const found = await store.db.listGroup('members', { where: [['uid', '==', uid]], limit: 200 });
  return found.map((one) => Member.parse(one.data));
}
