import type { People } from '#cloud/auth';
import { AlertChannel, AlertDelivery, type DeliveryAttempt, pauseAfter } from '#core/alert';
import { type Failure, TerminalError, toFailure, TransientError } from '#core/errors';
import type { InstallationKeys } from '#core/installation-keys';
import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { read, revise } from '#store/document';
import { now, type Store } from '#store/store';
import type { Mailer } from './mail.ts';
import { mailText } from './mail-text.ts';
import { addressOf, mailMissing } from './receivers.ts';
import { openWebhook, signingSecrets } from './secrets.ts';
import { signatureOf } from './signature.ts';
import { postWebhook, type WebhookWorld } from './webhook.ts';

/** What delivering works with. */
export interface DeliveryWorld extends WebhookWorld {
  readonly keys: InstallationKeys;
  readonly mailer: Mailer | null;
  readonly people: Pick<People, 'byUid'>;
}

/** What name servers say for a while, too, when somebody moves a name. */
const MAY_PASS = 'host-unknown';

/** A try is over by then, or its process is dead: another may be made. */
const TRY_SECONDS = 60;

/**
 * Tries a delivery once, if it is due: sent, recorded with what the receiver answered, and put off with a growing pause
 * where it was in vain. Of any number of messages at once one tries. A process that dies between sending and recording has
 * the message sent again, under the same id.
 * @returns the delivery as it is then; null where there was nothing to be done
 */
export async function deliver(
  store: Store,
  world: DeliveryWorld,
  tenant: string,
  id: string,
): Promise<AlertDelivery | null> {
  const path = paths.alertDelivery(tenant, id);
  if ((await store.db.get(path)) === null) return null;
  const begun = await revise(store, path, AlertDelivery, (delivery) => {
    if (delivery.nextAt === null || delivery.nextAt > now(store)) return null;
    const nextAt = toMoment(store.clock() + TRY_SECONDS * 1000);
    return { value: { ...delivery, tries: delivery.tries + 1, nextAt } };
  });
  if (begun === null) return null;
  const at = store.clock();
  const outcome = await send(store, world, tenant, begun);
  const attempt: DeliveryAttempt = {
    at: toMoment(at),
    milliseconds: store.clock() - at,
    status: outcome.status,
    failure: outcome.failure === null ? null : { ...outcome.failure },
  };
  return revise(store, path, AlertDelivery, (delivery) =>
    // Taken over meanwhile: whoever has it records it.
    delivery.tries === begun.tries ? { value: recorded(delivery, attempt, outcome, store.clock()) } : null,
  );
}

interface Outcome {
  readonly status: number | null;
  readonly failure: Failure | null;
  /** Trying again cannot help. */
  readonly final: boolean;
}

function recorded(
  delivery: AlertDelivery,
  attempt: DeliveryAttempt,
  { failure, final }: Outcome,
  clock: number,
): AlertDelivery {
  const attempts = [...delivery.attempts, attempt];
  const over = { ...delivery, attempts, nextAt: null, finishedAt: toMoment(clock) };
  if (failure === null) return { ...over, status: 'delivered' };
  const pause = final ? null : pauseAfter(delivery.tries);
  if (pause === null) return { ...over, status: 'failed' };
  return { ...delivery, attempts, nextAt: toMoment(clock + pause * 1000) };
}

async function send(
  store: Store,
  world: DeliveryWorld,
  tenant: string,
  delivery: AlertDelivery,
): Promise<Outcome> {
  try {
    await mustBeWanted(store, tenant, delivery);
    const status =
      delivery.member === null
        ? await sendWebhook(store, world, tenant, delivery)
        : await sendMail(store, world, tenant, delivery, delivery.member);
    return { status, failure: null, final: true };
  } catch (error) {
    const coded = error instanceof TerminalError || error instanceof TransientError;
    const status = coded ? (error.details?.['status'] ?? null) : null;
    return {
      status: typeof status === 'number' ? status : null,
      failure: toFailure(error),
      final: error instanceof TerminalError && error.code !== MAY_PASS,
    };
  }
}

async function mustBeWanted(
  store: Store,
  tenant: string,
  { channel, message }: AlertDelivery,
): Promise<void> {
  const owner = await read(store, paths.tenant(tenant), Tenant);
  if (owner?.value.status !== 'active')
    throw new TerminalError('tenant-suspended', `The tenant is ${owner?.value.status ?? 'gone'}.`, {
      remedy: 'Ask the operator.',
    });
  const found = await read(store, paths.alertChannel(tenant, channel), AlertChannel);
  if (found === null)
    throw new TerminalError('channel-gone', 'The channel was removed before the message was delivered.');
  if (!found.value.enabled && message.type !== 'alert.test')
    throw new TerminalError('channel-off', `The channel "${found.value.name}" was turned off.`, {
      remedy: 'Turn it on, and send the message again.',
    });
}

async function sendWebhook(
  store: Store,
  world: DeliveryWorld,
  tenant: string,
  { channel, id, message, tries }: AlertDelivery,
): Promise<number> {
  const webhook = await openWebhook(store, world.keys, { tenant, channel });
  if (webhook === null)
    throw new TerminalError('channel-gone', 'The channel was removed before the message was delivered.');
  const body = JSON.stringify(message);
  const headers = {
    'tradewind-event': message.type,
    'tradewind-delivery': id,
    'tradewind-attempt': String(tries),
    'tradewind-signature': signatureOf(body, signingSecrets(webhook, now(store)), store.clock()),
  };
  return postWebhook(world, webhook.url, headers, body);
}

async function sendMail(
  store: Store,
  { mailer, people }: DeliveryWorld,
  tenant: string,
  { id, message }: AlertDelivery,
  member: string,
): Promise<null> {
  if (mailer === null) throw mailMissing();
  const to = await addressOf(store, people, tenant, member);
  await mailer.send({ to, id, ...mailText(message) });
  return null;
}
