/** What is sealed of a webhook: its address and the secrets that sign what is sent there. */
import { z } from 'zod';
import type { Write } from '#cloud/firestore';
import { WebhookUrl } from '#core/alert';
import type { InstallationKeys } from '#core/installation-keys';
import { Moment } from '#core/ids';
import { paths } from '#core/paths';
import { sealedPath, sealText, unseal } from '#store/seal';
import { tenantKeysOf } from '#store/tenant-keys';
import type { Store } from '#store/store';

const Webhook = z.object({
  url: WebhookUrl,
  secret: z.string(),
  /** The secret before it, and until when it signs as well. */
  former: z.object({ secret: z.string(), until: Moment }).nullable(),
});
export type Webhook = z.infer<typeof Webhook>;

/** The write that seals a channel's webhook. */
export async function sealWebhook(
  store: Store,
  keys: InstallationKeys,
  { tenant, channel }: ChannelKey,
  webhook: Webhook,
): Promise<Write> {
  const about = paths.alertChannel(tenant, channel);
  const own = await tenantKeysOf(store, keys, tenant);
  return {
    kind: 'set',
    path: sealedPath(about),
    data: sealText(store, own, tenant, about, JSON.stringify(webhook)),
  };
}

/** Which channel. */
export interface ChannelKey {
  readonly tenant: string;
  readonly channel: string;
}

/** A channel's webhook; null where there is none. @throws TerminalError `secret-unreadable` */
export async function openWebhook(
  store: Store,
  keys: InstallationKeys,
  { tenant, channel }: ChannelKey,
): Promise<Webhook | null> {
  const text = await unseal(store, keys, tenant, paths.alertChannel(tenant, channel));
  return text === null ? null : Webhook.parse(JSON.parse(text));
}

/** The write that forgets a channel's webhook. */
export function forgetWebhook({ tenant, channel }: ChannelKey): Write {
  return { kind: 'delete', path: sealedPath(paths.alertChannel(tenant, channel)) };
}

/** The secrets that sign at `at` (a Moment), the newest first. */
export function signingSecrets({ secret, former }: Webhook, at: string): string[] {
  return former !== null && former.until > at ? [secret, former.secret] : [secret];
}
