import { openContainerPlatform } from '#cloud/run';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { CANCEL_PATIENCE, endFromOutside } from './end-run.ts';

export const deploy = eventDeploy('etl-cancel-requested');

export const handler = onEvent('etl-cancel-requested', 'etl-cancel-requested', {
  handle(payload, { store, config, log }) {
    const world = { containers: openContainerPlatform(config), config, log };
    return endFromOutside(store, world, payload, { event: 'cancel' }, CANCEL_PATIENCE);
  },
  // The watch goes on with a run whose end was asked for.
  fail: async () => undefined,
});
