import { openFiles } from '#cloud/storage';
import { toError } from '#core/errors';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { read } from '#store/document';
import { removeExpired } from './export.ts';
import { lookAfterRemovals } from './purge.ts';

export const deploy = eventDeploy('tick', { timeoutSeconds: 400 });

export const handler = onEvent('tenants-watch', 'tick', {
  async handle(_, { store, config, log }) {
    for (const { tenant, error } of await lookAfterRemovals(store, config))
      log.warn('removal not gone on with', { tenant, error: toError(error).message });
    await removeExpired(store, openFiles(config.projectId), async (tenant) => {
      const found = await read(store, paths.tenant(tenant), Tenant);
      return found?.value.cloud.bucket ?? null;
    });
  },
  // A tick that failed is followed by another within a minute.
  fail: () => Promise.resolve(),
});
