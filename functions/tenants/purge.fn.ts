import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { beginRemoval, goOnRemoving } from './purge.ts';

export const deploy = eventDeploy('tenant-deletion-requested', { timeoutSeconds: 400 });

export const handler = onEvent('tenants-purge', 'tenant-deletion-requested', {
  async handle({ tenant }, { store, config }) {
    await beginRemoval(store, tenant);
    await goOnRemoving(store, config, tenant);
  },
  // The deletion stands as it was written, and the next tick goes on with it.
  fail: () => Promise.resolve(),
});
