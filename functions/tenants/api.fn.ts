import { createTenant, getTenant, listTenants } from '#core/api/tenants';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { listTenantsOf, signUp, viewOf } from './tenants.ts';

export const deploy = httpDeploy();

export const handler = serve('tenants-api', ({ store, config }) => [
  route(createTenant, ({ body, caller }) => signUp(store, config, caller, body.name)),
  route(listTenants, async ({ caller }) => ({ items: await listTenantsOf(store, caller.uid) })),
  route(getTenant, async (call) => viewOf(call.membership().tenant, call.membership().role)),
]);
