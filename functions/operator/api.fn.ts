import * as contracts from '#core/api/operator';
import { AuditRecord, INSTALLATION } from '#core/audit';
import { Deletion } from '#core/deletion';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { auditPlaceOf } from '#runtime/audit-place';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { deleteTenant, restoreTenant } from '#store/tenant-deletion';
import { verifyAudit } from '#store/verify-audit';
import { changePlan, getTenant, listTenants, reactivate, suspend } from './tenants.ts';

export const deploy = httpDeploy();

export const handler = serve('operator-api', ({ store, config }) => [
  route(contracts.listAllTenants, ({ query }) => listTenants(store, query)),
  route(contracts.getAnyTenant, ({ params }) => getTenant(store, params.tenant)),
  route(contracts.changePlan, ({ params, caller, body }) =>
    changePlan(store, params.tenant, caller.actor, body),
  ),
  route(contracts.suspendTenant, ({ params, caller, body }) =>
    suspend(store, params.tenant, caller.actor, body.reason),
  ),
  route(contracts.reactivateTenant, ({ params, caller }) => reactivate(store, params.tenant, caller.actor)),
  route(contracts.deleteAnyTenant, ({ params, caller, body }) =>
    deleteTenant(store, { tenant: params.tenant, actor: caller.actor, ...body }),
  ),
  route(contracts.restoreAnyTenant, async ({ params, caller }) => {
    await restoreTenant(store, params.tenant, caller.actor);
    return getTenant(store, params.tenant);
  }),
  route(contracts.listDeletions, ({ query: { state, ...page } }) =>
    readPage(store, paths.deletions, Deletion, page, { state }),
  ),
  route(
    contracts.getDeletion,
    async ({ params }) => (await mustRead(store, paths.deletion(params.tenant), Deletion, 'deletion')).value,
  ),
  route(contracts.listInstallationAudit, ({ query: { action, actor, outcome, target, ...page } }) =>
    readPage(store, paths.audits(INSTALLATION), AuditRecord, page, { action, actor, outcome, target }),
  ),
  route(contracts.verifyInstallationAudit, ({ query }) =>
    verifyAudit(store, auditPlaceOf(config), INSTALLATION, query.from),
  ),
]);
