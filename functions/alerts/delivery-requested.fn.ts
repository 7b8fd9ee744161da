import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { deliver } from './deliver.ts';
import { deliveryWorld } from './world.ts';

export const deploy = eventDeploy('alert-delivery-requested');

export const handler = onEvent('alerts-delivery-requested', 'alert-delivery-requested', {
  async handle({ tenant, delivery }, { store, config }) {
    await deliver(store, deliveryWorld(config), tenant, delivery);
  },
  // It is still due: the watch has it tried again.
  fail: () => Promise.resolve(),
});
