import { openFiles } from '#cloud/storage';
import * as contracts from '#core/api/tenants';
import { paths } from '#core/paths';
import { TenantExport, TenantImport } from '#core/tenant-file';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { readUsage } from '#store/usage';
import { requestExport } from './export.ts';
import { startImport } from './import.ts';
import { deleteTenant, restoreAsOwner } from '#store/tenant-deletion';
import { listTenantsOf, signUp, updateTenant, viewOf } from './tenants.ts';
import { addressOf, beginImport } from './transfer.ts';

export const deploy = httpDeploy();

export const handler = serve('tenants-api', ({ store, config }) => [
  route(contracts.createTenant, ({ body, person }) => signUp(store, config, person(), body.name)),
  route(contracts.listTenants, async ({ person, query }) => ({
    items: await listTenantsOf(store, person().uid, query.deleted),
  })),
  route(contracts.getTenant, async (call) => viewOf(call.membership().tenant, call.role())),
  route(contracts.updateTenant, async ({ params, body, caller, role }) =>
    viewOf(await updateTenant(store, params.tenant, caller.actor, body), role()),
  ),
  route(contracts.deleteTenant, ({ params, body, caller }) =>
    deleteTenant(store, { tenant: params.tenant, actor: caller.actor, ...body }),
  ),
  route(contracts.restoreTenant, async ({ params, person }) =>
    viewOf(await restoreAsOwner(store, params.tenant, person().uid, person().actor), 'owner'),
  ),
  route(contracts.getUsage, async ({ params, query }) => ({
    month: query.month,
    ...(await readUsage(store, params.tenant, query.month)),
  })),
  route(contracts.createExport, ({ params, caller }) => requestExport(store, params.tenant, caller.actor)),
  route(contracts.listExports, ({ params, query: { status, ...page } }) =>
    readPage(store, paths.exports(params.tenant), TenantExport, page, { status }),
  ),
  route(
    contracts.getExport,
    async ({ params }) =>
      (await mustRead(store, paths.export(params.tenant, params.export), TenantExport, 'export')).value,
  ),
  route(contracts.addressExport, ({ params, membership }) =>
    addressOf(store, config, membership().tenant, params.export),
  ),
  route(contracts.createImport, ({ membership, caller, body, origin }) =>
    beginImport(store, config, membership().tenant, { actor: caller.actor, bytes: body.bytes, origin }),
  ),
  route(contracts.startImport, ({ membership, params, caller }) =>
    startImport(store, openFiles(config.projectId), membership().tenant, params.import, caller.actor),
  ),
  route(contracts.listImports, ({ params, query: { status, ...page } }) =>
    readPage(store, paths.imports(params.tenant), TenantImport, page, { status }),
  ),
  route(
    contracts.getImport,
    async ({ params }) =>
      (await mustRead(store, paths.import(params.tenant, params.import), TenantImport, 'import')).value,
  ),
]);
