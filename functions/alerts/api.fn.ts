import { openPeople } from '#cloud/auth';
import { Alert, AlertChannel, AlertDelivery, AlertState } from '#core/alert';
import * as contracts from '#core/api/alerts';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readAll, readPage } from '#store/document';
import {
  addChannel,
  changeChannel,
  type ChannelWorld,
  removeChannel,
  resend,
  resource,
  rotateSecret,
  testChannel,
} from './channels.ts';

export const deploy = httpDeploy();

export const handler = serve('alerts-api', ({ store, config }) => {
  const world: ChannelWorld = {
    get keys() {
      return config.installationKeys;
    },
    people: openPeople(config.projectId),
    mail: config.mail !== null,
  };
  return [
    route(contracts.createAlertChannel, ({ params, body, caller }) =>
      addChannel(store, world, params.tenant, caller.actor, body),
    ),
    route(contracts.listAlertChannels, async ({ params, query: { model, ...page } }) => ({
      ...(await readPage(store, paths.alertChannels(params.tenant), AlertChannel, page, { model })),
      mail: world.mail,
    })),
    route(contracts.getAlertChannel, async ({ params }) => {
      const { path, schema, what } = resource(params);
      return (await mustRead(store, path, schema, what)).value;
    }),
    route(contracts.updateAlertChannel, ({ params, body, caller }) =>
      changeChannel(store, world, params, caller.actor, body),
    ),
    route(contracts.deleteAlertChannel, ({ params, caller }) => removeChannel(store, params, caller.actor)),
    route(contracts.rotateAlertSecret, ({ params, body, caller }) =>
      rotateSecret(store, world, params, caller.actor, body.overlapHours),
    ),
    route(contracts.testAlertChannel, async ({ params, caller }) => ({
      items: await testChannel(store, params, caller.actor),
    })),
    route(contracts.listAlertDeliveries, async ({ params, query: { status, ...page } }) => {
      const { path, schema, what } = resource(params);
      await mustRead(store, path, schema, what);
      const filters = { channel: params.channel, status };
      return readPage(store, paths.alertDeliveries(params.tenant), AlertDelivery, page, filters);
    }),
    route(contracts.resendAlertDelivery, ({ params, caller }) =>
      resend(store, params, params.delivery, caller.actor),
    ),
    route(contracts.listAlerts, ({ params, query: { kind, change, ...page } }) =>
      readPage(store, paths.alerts(params.tenant, params.model), Alert, page, { kind, change }),
    ),
    route(contracts.listAlertStates, async ({ params }) => ({
      items: await readAll(store, paths.alertStates(params.tenant, params.model), AlertState),
    })),
  ];
});
