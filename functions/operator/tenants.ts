import type { z } from 'zod';
import type { Listing, Where } from '#cloud/firestore';
import type { changePlan as changeContract, listAllTenants, TenantSummary } from '#core/api/operator';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { nameKey, Tenant } from '#core/tenant';
import { mustRead, revise } from '#store/document';
import { now, type Store } from '#store/store';

/** After every character that a name's key holds. */
const LAST = '\u{10ffff}';

/** One page of the installation's tenants. `search`: those whose name begins so, in the order of their names. */
export async function listTenants(
  store: Store,
  query: z.output<typeof listAllTenants.query>,
): Promise<{ items: TenantSummary[]; next: string | null }> {
  const found = await store.db.list(paths.tenants, planListing(query));
  const items = await Promise.all(
    found.slice(0, query.limit).map(({ data }) => summarize(store, Tenant.parse(data))),
  );
  return { items, next: found.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

/** What Firestore is asked for a page of tenants: one item more than the page holds. */
export function planListing({
  limit,
  after,
  status,
  plan,
  search,
  sort,
  order,
}: z.output<typeof listAllTenants.query>): Listing {
  const where: Where = [
    ...(status === undefined ? [] : [['status', '==', status] as const]),
    ...(plan === undefined ? [] : [['plan', '==', plan] as const]),
    ...(search === undefined
      ? []
      : ([
          ['nameKey', '>=', nameKey(search)],
          ['nameKey', '<', nameKey(search) + LAST],
        ] as const)),
  ];
  return {
    where,
    orderBy: search === undefined ? [sort, order] : ['nameKey', 'asc'],
    limit: limit + 1,
    ...(after === undefined ? {} : { after: paths.tenant(after) }),
  };
}

/** One tenant. @throws TerminalError `not-found` */
export async function getTenant(store: Store, id: string): Promise<TenantSummary> {
  return summarize(store, (await mustRead(store, paths.tenant(id), Tenant, 'tenant')).value);
}

/** Changes the plan, or the limits in which the tenant differs from it. */
export async function changePlan(
  store: Store,
  id: string,
  actor: string,
  { plan, limits }: z.output<typeof changeContract.body>,
): Promise<TenantSummary> {
  return change(store, id, actor, 'tenant.plan', (tenant) => ({
    ...tenant,
    plan: plan ?? tenant.plan,
    limits: limits === undefined ? tenant.limits : given(limits),
  }));
}

/** Shuts the tenant out. @throws TerminalError `not-found`, `tenant-deleted` */
export async function suspend(
  store: Store,
  id: string,
  actor: string,
  reason: string,
): Promise<TenantSummary> {
  return change(store, id, actor, 'tenant.suspend', (tenant) => {
    mustBeThere(tenant);
    return { ...tenant, status: 'suspended', suspendedFor: reason };
  });
}

/** Lets the tenant in again. @throws TerminalError `not-found`, `tenant-deleted` */
export async function reactivate(store: Store, id: string, actor: string): Promise<TenantSummary> {
  return change(store, id, actor, 'tenant.reactivate', (tenant) => {
    mustBeThere(tenant);
    return { ...tenant, status: 'active', suspendedFor: null };
  });
}

async function change(
  store: Store,
  id: string,
  actor: string,
  action: string,
  plan: (tenant: Tenant) => Tenant,
): Promise<TenantSummary> {
  const path = paths.tenant(id);
  await mustRead(store, path, Tenant, 'tenant');
  const changed = await revise(store, path, Tenant, (tenant) => {
    const value = plan(tenant);
    if (JSON.stringify(value) === JSON.stringify(tenant)) return null;
    return {
      value: { ...value, updatedAt: now(store) },
      audit: { tenant: id, actor, action, target: path },
    };
  });
  return changed === null ? getTenant(store, id) : summarize(store, changed);
}

function mustBeThere({ status, name }: Tenant): void {
  if (status === 'deleted')
    throw new TerminalError('tenant-deleted', `The tenant "${name}" is deleted.`, {
      remedy: 'Restore it first.',
    });
}

async function summarize(store: Store, tenant: Tenant): Promise<TenantSummary> {
  const { nameKey: _, ...rest } = tenant;
  const [members, models, newest] = await Promise.all([
    store.db.count(paths.members(tenant.id)),
    store.db.count(paths.models(tenant.id)),
    store.db.list(paths.audits(tenant.id), { orderBy: ['at', 'desc'], limit: 1 }),
  ]);
  const at: unknown = newest[0]?.data['at'];
  return { ...rest, members, models, lastActivityAt: typeof at === 'string' ? at : null };
}

function given(limits: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(limits).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
