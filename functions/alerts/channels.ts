import type { z } from 'zod';
import type { People } from '#cloud/auth';
import {
  AlertChannel,
  type AlertChannelDefinition,
  AlertDelivery,
  type AlertMessage,
  type AlertTarget,
  deliveryCycle,
} from '#core/alert';
import type { updateAlertChannel } from '#core/api/alerts';
import { TerminalError } from '#core/errors';
import type { InstallationKeys } from '#core/installation-keys';
import { toMoment } from '#core/ids';
import { follow } from '#core/life-cycle';
import { paths } from '#core/paths';
import { create, mustRead, revise } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { edit, given } from '#store/resource';
import { commitChange, makeId, now, type Store } from '#store/store';
import { deliveriesTo, deliveryMessage, deliveryWrite } from './notice.ts';
import { addressOf, mailMissing } from './receivers.ts';
import { type ChannelKey, forgetWebhook, openWebhook, sealWebhook } from './secrets.ts';
import { makeSecret } from './signature.ts';

/** Channels that a tenant can have. */
export const MOST_CHANNELS = 50;

/** What channels are made with. */
export interface ChannelWorld {
  readonly keys: InstallationKeys;
  readonly people: Pick<People, 'byUid'>;
  /** Whether the installation can send mail. */
  readonly mail: boolean;
}

/** A channel with what is shown of it once. */
export interface WithSecret {
  readonly channel: AlertChannel;
  readonly secret: string | null;
}

/**
 * A new channel. @throws TerminalError `not-found` (the model), `quota-exceeded`, `mail-not-configured`,
 * `address-unverified`
 */
export async function addChannel(
  store: Store,
  world: ChannelWorld,
  tenant: string,
  actor: string,
  definition: AlertChannelDefinition,
): Promise<WithSecret> {
  if (definition.model !== null) await mustBeThere(store, tenant, definition.model);
  await mustHaveRoom(store, tenant);
  const id = makeId(store, 'h');
  const key = { tenant, channel: id };
  const { target, ...rest } = definition;
  const at = now(store);
  const secret = target.kind === 'webhook' ? makeSecret(store.random) : null;
  const path = paths.alertChannel(tenant, id);
  const channel = await create(
    store,
    path,
    AlertChannel,
    {
      id,
      ...rest,
      target: await shownTarget(store, world, tenant, target, at),
      createdBy: actor,
      createdAt: at,
      updatedAt: at,
    },
    {
      writes:
        target.kind === 'webhook'
          ? [
              await sealWebhook(store, world.keys, key, {
                url: target.url,
                secret: secret ?? '',
                former: null,
              }),
            ]
          : [],
      audit: { tenant, actor, action: 'alert-channel.create', target: path },
    },
  );
  return { channel, secret };
}

/** What is kept in the open of where a channel leads. @throws TerminalError `mail-not-configured`, `address-unverified` */
async function shownTarget(
  store: Store,
  { people, mail }: ChannelWorld,
  tenant: string,
  target: AlertTarget,
  at: string,
): Promise<AlertChannel['target']> {
  if (target.kind === 'webhook')
    return { kind: 'webhook', host: new URL(target.url).host, secretSetAt: at, formerUntil: null };
  if (!mail) throw mailMissing();
  for (const uid of target.members) await addressOf(store, people, tenant, uid);
  return { kind: 'email', members: target.members };
}

/** Changes a channel; a webhook keeps its secret. @throws TerminalError `not-found`, `conflict`, `target-kind`, as making one */
export async function changeChannel(
  store: Store,
  world: ChannelWorld,
  key: ChannelKey,
  actor: string,
  { expectedUpdatedAt, target, ...change }: z.output<typeof updateAlertChannel.body>,
): Promise<AlertChannel> {
  const { tenant } = key;
  return edit(store, resource(key), { tenant, actor }, expectedUpdatedAt, async (channel) => {
    const patch = { ...given(change) };
    if (target === undefined) return { patch };
    if (target.kind !== channel.target.kind)
      throw new TerminalError('target-kind', `The channel "${channel.name}" is no ${target.kind} channel.`, {
        remedy: 'Add another channel for that.',
      });
    const shown = await shownTarget(store, world, tenant, target, now(store));
    if (target.kind !== 'webhook' || shown.kind !== 'webhook' || channel.target.kind !== 'webhook')
      return { patch: { ...patch, target: shown } };
    const webhook = await mustOpen(store, world.keys, key);
    return {
      patch: { ...patch, target: { ...channel.target, host: shown.host } },
      writes: [await sealWebhook(store, world.keys, key, { ...webhook, url: target.url })],
    };
  });
}

/** A new secret; the former one signs as well for `overlapHours`. @throws TerminalError `not-found`, `target-kind` */
export async function rotateSecret(
  store: Store,
  world: ChannelWorld,
  key: ChannelKey,
  actor: string,
  overlapHours: number,
): Promise<WithSecret> {
  const secret = makeSecret(store.random);
  const channel = await edit(
    store,
    resource(key),
    { tenant: key.tenant, actor },
    undefined,
    async (current) => {
      if (current.target.kind !== 'webhook')
        throw new TerminalError('target-kind', `The channel "${current.name}" has no secret.`, {
          remedy: 'Secrets are of webhooks.',
        });
      const { url, secret: old } = await mustOpen(store, world.keys, key);
      const until = toMoment(store.clock() + overlapHours * 3_600_000);
      const former = overlapHours > 0 ? { secret: old, until } : null;
      return {
        patch: {
          target: { ...current.target, secretSetAt: now(store), formerUntil: former === null ? null : until },
        },
        writes: [await sealWebhook(store, world.keys, key, { url, secret, former })],
      };
    },
    'rotate',
  );
  return { channel, secret };
}

/** Removes a channel with what is sealed of it, for good. @throws TerminalError `not-found` */
export async function removeChannel(store: Store, key: ChannelKey, actor: string): Promise<AlertChannel> {
  const { path, schema, what } = resource(key);
  const { value, version } = await mustRead(store, path, schema, what);
  await commitChange(store, {
    writes: [{ kind: 'delete', path, version }, forgetWebhook(key)],
    audit: {
      tenant: key.tenant,
      actor,
      action: 'alert-channel.delete',
      target: path,
      before: { ...value },
      after: null,
    },
  });
  return value;
}

/** Sends a test message to each of a channel's receivers. @throws TerminalError `not-found` */
export async function testChannel(store: Store, key: ChannelKey, actor: string): Promise<AlertDelivery[]> {
  const { path, schema, what } = resource(key);
  const { value: channel } = await mustRead(store, path, schema, what);
  const message: AlertMessage = {
    id: makeId(store, 'a'),
    type: 'alert.test',
    tenant: key.tenant,
    model: null,
    subject: null,
    at: now(store),
    evidence: null,
    cause: null,
  };
  const deliveries = deliveriesTo(store, channel, message);
  const [first] = deliveries;
  // The same request once more made the same ids: what its first run began goes on.
  if (first !== undefined && (await store.db.get(paths.alertDelivery(key.tenant, first.id))) === null)
    await commitChange(store, {
      writes: deliveries.map((one) => deliveryWrite(store, key.tenant, one)),
      announcements: deliveries.map((one) => deliveryMessage(key.tenant, one)),
      audit: { tenant: key.tenant, actor, action: 'alert-channel.test', target: path },
    });
  return deliveries;
}

/** Has a message sent again that came to nothing. @throws TerminalError `not-found`, `not-possible` */
export async function resend(
  store: Store,
  key: ChannelKey,
  delivery: string,
  actor: string,
): Promise<AlertDelivery> {
  const path = paths.alertDelivery(key.tenant, delivery);
  await mustBeOf(store, key, delivery);
  const sent = await revise(store, path, AlertDelivery, (current) => {
    const status = follow(deliveryCycle, current.status, 'resend');
    if (status === null)
      throw new TerminalError('not-possible', `This message is ${current.status}.`, {
        remedy: 'Only one that failed can be sent again.',
      });
    return {
      value: { ...current, status, tries: 0, nextAt: now(store), finishedAt: null },
      announcements: [deliveryMessage(key.tenant, current)],
      audit: { tenant: key.tenant, actor, action: 'alert-delivery.resend', target: path },
    };
  });
  return sent ?? (await mustBeOf(store, key, delivery));
}

async function mustBeOf(store: Store, key: ChannelKey, delivery: string): Promise<AlertDelivery> {
  const path = paths.alertDelivery(key.tenant, delivery);
  const { value } = await mustRead(store, path, AlertDelivery, 'message');
  if (value.channel === key.channel) return value;
  throw new TerminalError('not-found', `There is no message "${delivery}" here.`, {
    remedy: 'Check the id.',
  });
}

export function resource({ tenant, channel }: ChannelKey) {
  return {
    path: paths.alertChannel(tenant, channel),
    schema: AlertChannel,
    what: 'alert channel',
    noun: 'alert-channel',
  };
}

async function mustOpen(store: Store, keys: InstallationKeys, key: ChannelKey) {
  const webhook = await openWebhook(store, keys, key);
  if (webhook !== null) return webhook;
  throw new TerminalError('channel-gone', 'The channel’s address and secret are gone.', {
    remedy: 'Remove the channel and add it again.',
  });
}

async function mustHaveRoom(store: Store, tenant: string): Promise<void> {
  const there = await store.db.list(paths.alertChannels(tenant), { limit: MOST_CHANNELS });
  if (there.length < MOST_CHANNELS) return;
  throw new TerminalError('quota-exceeded', `The tenant has ${MOST_CHANNELS} alert channels already.`, {
    remedy: 'Remove those that are not needed.',
  });
}
