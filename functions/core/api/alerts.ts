import { z } from 'zod';
import {
  Alert,
  AlertChange,
  AlertChannel,
  AlertChannelDefinition,
  AlertDelivery,
  AlertKind,
  AlertKinds,
  AlertState,
  AlertTarget,
  DeliveryStatus,
} from '../alert.ts';
import { Id, Name } from '../ids.ts';
import { editGuard } from '../resource.ts';
import { contract, listQuery, Page, pageOf } from './contract.ts';

/**
 * A channel with a webhook's secret, which is shown this once. Each delivery carries `Tradewind-Signature: t=<seconds since
 * the epoch>,v1=<hex>`: HMAC-SHA-256 by the secret of `<t>.<body>`; while a secret is rotated there is a `v1` for each.
 * `Tradewind-Delivery` is the same each time a delivery is tried: whoever has seen it need not see it again.
 */
const ChannelWithSecret = z.object({ channel: AlertChannel, secret: z.string().nullable() });

export const createAlertChannel = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/alert-channels',
  access: 'edit',
  summary:
    'A webhook or e-mail channel for one model, or (model null) for all that have none; the answer shows a webhook’s secret this once.',
  body: AlertChannelDefinition,
  answer: ChannelWithSecret,
  status: 201,
  secretAnswer: true,
});

export const listAlertChannels = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/alert-channels',
  access: 'read',
  summary: 'The tenant’s alert channels, and whether this installation can send e-mail.',
  query: listQuery({ model: Id.optional() }, ['createdAt', 'name']).omit({ deleted: true }),
  answer: pageOf(AlertChannel).extend({ mail: z.boolean() }),
});

export const getAlertChannel = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/alert-channels/{channel}',
  access: 'read',
  summary: 'One alert channel.',
  answer: AlertChannel,
});

export const updateAlertChannel = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/alert-channels/{channel}',
  access: 'edit',
  summary: 'Change a channel’s name, what it is told of, where it leads (the same kind), or turn it off.',
  body: z.strictObject({
    name: Name.optional(),
    kinds: AlertKinds.optional(),
    enabled: z.boolean().optional(),
    target: AlertTarget.optional(),
    ...editGuard,
  }),
  answer: AlertChannel,
});

export const deleteAlertChannel = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/alert-channels/{channel}',
  access: 'edit',
  summary: 'Remove a channel and its secret, for good; what was not delivered yet is given up.',
  answer: AlertChannel,
});

export const rotateAlertSecret = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/alert-channels/{channel}/rotate',
  access: 'edit',
  summary: 'A new secret for a webhook; for the overlap both sign, so that the receiver can change over.',
  body: z.strictObject({ overlapHours: z.number().min(0).max(168).default(24) }),
  answer: ChannelWithSecret,
  status: 201,
  secretAnswer: true,
});

export const testAlertChannel = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/alert-channels/{channel}/test',
  access: 'edit',
  rate: 'trigger',
  summary: 'Send a test message, to each receiver; what became of it is in the deliveries.',
  answer: z.object({ items: z.array(AlertDelivery) }),
  status: 202,
});

export const listAlertDeliveries = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/alert-channels/{channel}/deliveries',
  access: 'read',
  summary: 'A channel’s messages of the last 90 days, newest first, with each try.',
  query: Page.extend({ status: DeliveryStatus.optional() }),
  answer: pageOf(AlertDelivery),
});

export const resendAlertDelivery = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/alert-channels/{channel}/deliveries/{delivery}/resend',
  access: 'edit',
  rate: 'trigger',
  summary: 'Send a message once more that could not be delivered.',
  answer: AlertDelivery,
  status: 202,
});

export const listAlerts = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/alerts',
  access: 'read',
  summary: 'Changes of state, newest first: what failed or recovered, and why.',
  query: listQuery({ kind: AlertKind.optional(), change: AlertChange.optional() }, ['createdAt']).omit({
    deleted: true,
  }),
  answer: pageOf(Alert),
});

export const listAlertStates = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/alerts/states',
  access: 'read',
  summary: 'How the model’s loads, pipelines, schedules and deployment stand now.',
  answer: z.object({ items: z.array(AlertState) }),
});
