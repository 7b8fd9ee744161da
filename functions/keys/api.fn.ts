import * as contracts from '#core/api/keys';
import { ApiKey } from '#core/api-key';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { readPage } from '#store/document';
import { now } from '#store/store';
import { createKey, mustBeKey, revokeKey, rollKey, updateKey, viewKey } from './keys.ts';

export const deploy = httpDeploy();

export const handler = serve('keys-api', ({ store }) => [
  route(contracts.createKey, ({ membership, caller, role, body }) =>
    createKey(store, membership().tenant, { actor: caller.actor, role: role() }, body),
  ),
  route(contracts.listKeys, async ({ params, query: { model, createdBy, ...page } }) => {
    const found = await readPage(store, paths.apiKeys(params.tenant), ApiKey, page, {
      model,
      createdBy,
    });
    return { ...found, items: found.items.map((key) => viewKey(key, now(store))) };
  }),
  route(contracts.getKey, async ({ params }) =>
    viewKey(await mustBeKey(store, params.tenant, params.key), now(store)),
  ),
  route(contracts.updateKey, ({ params, caller, body }) =>
    updateKey(store, params.tenant, caller.actor, params.key, body),
  ),
  route(contracts.rollKey, ({ membership, params, caller, body }) =>
    rollKey(store, membership().tenant, caller.actor, params.key, body.overlapDays),
  ),
  route(contracts.revokeKey, ({ params, caller }) =>
    revokeKey(store, params.tenant, caller.actor, params.key),
  ),
]);
