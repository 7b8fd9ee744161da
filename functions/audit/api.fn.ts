import * as contracts from '#core/api/audit';
import { AuditRecord } from '#core/audit';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { auditPlaceOf } from '#runtime/audit-place';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { readPage } from '#store/document';
import { verifyAudit } from '#store/verify-audit';

export const deploy = httpDeploy();

export const handler = serve('audit-api', ({ store, config }) => [
  route(contracts.listAudit, ({ params, query: { action, actor, outcome, target, ...page } }) =>
    readPage(store, paths.audits(params.tenant), AuditRecord, page, { action, actor, outcome, target }),
  ),
  route(contracts.verifyAudit, ({ params, query }) =>
    verifyAudit(store, auditPlaceOf(config), params.tenant, query.from),
  ),
]);
