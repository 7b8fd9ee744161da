import { z } from 'zod';
import { FailureSchema } from './failure.ts';
import { Id, Moment, Name } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { editable } from './resource.ts';

/**
 * What can be healthy or failing.
 * - `etl`: the loads of a model; fails where a load fails, or leaves tables out
 * - `pipeline`: the runs of one pipeline configuration; fails where a run fails, or the quality gate turns its version down
 * - `schedule`: fails where an occasion came to nothing, its retries included
 * - `deployment`: what answers for a model; fails where a deployment fails, or was taken back
 */
export const AlertKind = z.enum(['etl', 'pipeline', 'schedule', 'deployment']);
export type AlertKind = z.infer<typeof AlertKind>;

/** One thing whose state is followed. `id`: of the model, configuration or schedule. */
export const AlertSubject = z.object({ kind: AlertKind, id: Id, name: z.string() });
export type AlertSubject = z.infer<typeof AlertSubject>;

/** What was seen of a subject, once something of it was over. */
export interface Observation {
  readonly subject: AlertSubject;
  readonly healthy: boolean;
  /** When it was over, a Moment. */
  readonly at: string;
  /** The run, firing or deployment that shows it. */
  readonly evidence: string;
  /** Why it failed; null where it is well. */
  readonly cause: z.infer<typeof FailureSchema> | null;
}

/*
 *   healthy ──fail──▶ failing          an alert each time a line is crossed, none while it stays
 *      ▲                 │
 *      └────recover──────┘
 */
export const SubjectHealth = z.enum(['healthy', 'failing']);
export type SubjectHealth = z.infer<typeof SubjectHealth>;

/** `…/models/{m}/alertStates/{kind}~{id}`: how a subject stands, as of the newest that was seen of it. */
export const AlertState = z.object({
  subject: AlertSubject,
  health: SubjectHealth,
  /** Since when. */
  since: Moment,
  /** When the newest was over, and what it was: what is older changes nothing. */
  seenAt: Moment,
  evidence: z.string(),
  /** Failures seen since it is failing. */
  failures: z.int(),
  cause: FailureSchema.nullable(),
});
export type AlertState = z.infer<typeof AlertState>;

/** The two changes that are told. */
export const AlertChange = z.enum(['failed', 'recovered']);
export type AlertChange = z.infer<typeof AlertChange>;

/** `…/models/{m}/alerts/{a}`: one change of state. */
export const Alert = z.object({
  id: Id,
  model: Id,
  subject: AlertSubject,
  /** The subject's kind, to list by. */
  kind: AlertKind,
  change: AlertChange,
  /** When what shows it was over. */
  at: Moment,
  evidence: z.string(),
  /** Why it failed; of a recovery, why it had. */
  cause: FailureSchema.nullable(),
  /** How many channels were to be told. */
  told: z.int(),
  createdAt: Moment,
});
export type Alert = z.infer<typeof Alert>;

/**
 * What an observation makes of a subject's state, and the change that is to be told. A subject that was never seen counts
 * as healthy. What came late (older than what was seen) or twice changes nothing: null. Pure.
 */
export function planState(
  state: AlertState | null,
  seen: Observation,
): { readonly state: AlertState; readonly change: AlertChange | null } | null {
  const before = state?.health ?? 'healthy';
  const health: SubjectHealth = seen.healthy ? 'healthy' : 'failing';
  if (state !== null && (seen.at < state.seenAt || (seen.evidence === state.evidence && health === before)))
    return null;
  const change = health === before ? null : seen.healthy ? 'recovered' : 'failed';
  return {
    change,
    state: {
      subject: seen.subject,
      health,
      since: change === null && state !== null ? state.since : seen.at,
      seenAt: seen.at,
      evidence: seen.evidence,
      failures: seen.healthy ? 0 : (state?.failures ?? 0) + 1,
      cause: seen.cause,
    },
  };
}

/** The longest address of a webhook. */
const MAX_URL = 2000;

/** The address of a webhook: https, without a sign-in before the host. Whether its host may be called is asked each time. */
export const WebhookUrl = z
  .string()
  .trim()
  .max(MAX_URL)
  .refine((text) => isPlainHttps(text), 'must be an address such as "https://hooks.example.com/tradewind"');

function isPlainHttps(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '';
}

const members = z
  .array(z.string().min(1).max(128))
  .min(1)
  .max(20)
  .refine((uids) => new Set(uids).size === uids.length, 'a member is named twice');

/** Where a channel leads, as a person gives it. */
export const AlertTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('webhook'), url: WebhookUrl }),
  z.strictObject({ kind: z.literal('email'), members }),
]);
export type AlertTarget = z.infer<typeof AlertTarget>;

/** Kinds of subjects, each once. */
export const AlertKinds = z
  .array(AlertKind)
  .min(1)
  .refine((list) => new Set(list).size === list.length, 'a kind is named twice');
const kinds = AlertKinds.default([...AlertKind.options]);

/** What a person sets. */
export const AlertChannelDefinition = z.strictObject({
  name: Name,
  /** The one model it is for; null: every model that has no channel of its own. */
  model: Id.nullable().default(null),
  /** What it is told of. */
  kinds,
  enabled: z.boolean().default(true),
  target: AlertTarget,
});
export type AlertChannelDefinition = z.infer<typeof AlertChannelDefinition>;

/**
 * `tenants/{t}/alertChannels/{c}`: where alerts go. A webhook's address and secrets are sealed beside it: an address often
 * is a secret itself, and the record names its host alone.
 */
export const AlertChannel = z.object({
  id: Id,
  name: Name,
  model: Id.nullable(),
  kinds,
  enabled: z.boolean(),
  target: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('webhook'),
      host: z.string(),
      /** When the secret in use was made; the former one signs as well until `formerUntil`. */
      secretSetAt: Moment,
      formerUntil: Moment.nullable(),
    }),
    z.object({ kind: z.literal('email'), members }),
  ]),
  createdBy: z.string(),
  ...editable,
});
export type AlertChannel = z.infer<typeof AlertChannel>;

/**
 * The channels that are told of a kind of subject of a model: its own, or the tenant's where it has none of its own, even
 * if they are turned off. Pure.
 */
export function channelsFor(
  channels: readonly AlertChannel[],
  model: string,
  kind: AlertKind,
): AlertChannel[] {
  const own = channels.filter((one) => one.model === model);
  const asked = own.length > 0 ? own : channels.filter((one) => one.model === null);
  return asked.filter((one) => one.enabled && one.kinds.includes(kind));
}

/** The body of a webhook, and what an e-mail is written from. */
export const AlertMessage = z.object({
  /** The change's own id: the same however often it is delivered. */
  id: Id,
  type: z.enum(['alert.failed', 'alert.recovered', 'alert.test']),
  tenant: Id,
  model: z.object({ id: Id, name: z.string() }).nullable(),
  subject: AlertSubject.nullable(),
  /** When what shows it was over. */
  at: Moment,
  /** The run, firing or deployment that shows it. */
  evidence: z.string().nullable(),
  cause: FailureSchema.nullable(),
});
export type AlertMessage = z.infer<typeof AlertMessage>;

/*
 *   pending ─▶ delivered
 *      └─────▶ failed        refused for good, or tried in vain as often as it is tried
 *   failed ─▶ pending        a person has it sent again
 */
export const DeliveryStatus = z.enum(['pending', 'delivered', 'failed']);
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;
export type DeliveryEvent = 'deliver' | 'fail' | 'resend';
export const deliveryCycle: LifeCycle<DeliveryStatus, DeliveryEvent> = {
  pending: { deliver: 'delivered', fail: 'failed', resend: null },
  delivered: { deliver: null, fail: null, resend: null },
  failed: { deliver: null, fail: null, resend: 'pending' },
};

/** One try of a delivery. */
export const DeliveryAttempt = z.object({
  at: Moment,
  milliseconds: z.int(),
  /** What the receiver's server answered; null where there was no answer, or it was no web server. */
  status: z.int().nullable(),
  failure: FailureSchema.nullable(),
});
export type DeliveryAttempt = z.infer<typeof DeliveryAttempt>;

/** `tenants/{t}/alertDeliveries/{d}`: one message to one receiver; kept for 90 days. */
export const AlertDelivery = z.object({
  id: Id,
  channel: Id,
  /** The member it goes to; null for a webhook. */
  member: z.string().nullable(),
  message: AlertMessage,
  status: DeliveryStatus,
  attempts: z.array(DeliveryAttempt),
  /** Tries begun: more than `attempts` where one is under way, or its process died. */
  tries: z.int(),
  /** When it is to be tried next; null once it is over. While a try is under way: when another may take it over. */
  nextAt: Moment.nullable(),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
});
export type AlertDelivery = z.infer<typeof AlertDelivery>;

/** Seconds after a try in vain before the next: eight tries within a day. */
export const DELIVERY_PAUSES: readonly number[] = [30, 120, 600, 3600, 4 * 3600, 8 * 3600, 11 * 3600];

/** Seconds to wait after `tries` tries in vain; null where it is not tried again. */
export function pauseAfter(tries: number): number | null {
  return DELIVERY_PAUSES[tries - 1] ?? null;
}
