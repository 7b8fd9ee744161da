import { ConflictError, type Write } from '#cloud/firestore';
import {
  AlertChannel,
  type AlertDelivery,
  type AlertMessage,
  AlertState,
  channelsFor,
  type Alert,
  type AlertChange,
  type Observation,
  planState,
} from '#core/alert';
import { type Announcement, announce } from '#core/events';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { read, readAll } from '#store/document';
import { commitChange, idFrom, now, type Store } from '#store/store';

/** Messages are kept for so long; Firestore's TTL policy on `alertDeliveries` removes them then. */
const KEPT_DAYS = 90;
/** Alerts likewise. */
const ALERT_DAYS = 400;

/** Tries before somebody else's writes are taken for a fault. */
const TURNS = 8;

/** Where an observation belongs. */
export interface Place {
  readonly tenant: string;
  readonly model: string;
}

/**
 * Takes note of what was seen of a subject. Where its state changes by that, the alert, a delivery for each receiver and
 * the messages that set them off are written in the batch that changes it: a change is told once, however often and in
 * whatever order what shows it is heard of, and whatever dies in between.
 * @returns the alert, or null where nothing is to be told
 */
export async function takeNote(store: Store, place: Place, seen: Observation): Promise<Alert | null> {
  const path = paths.alertState(place.tenant, place.model, `${seen.subject.kind}~${seen.subject.id}`);
  for (let turn = 1; ; turn++) {
    const found = await read(store, path, AlertState);
    const plan = planState(found?.value ?? null, seen);
    if (plan === null) return null;
    const data = { ...plan.state };
    const guarded: Write =
      found === null
        ? { kind: 'create', path, data }
        : { kind: 'update', path, data, version: found.version };
    const told =
      plan.change === null
        ? null
        : await planAlert(store, place, seen, plan.change, found?.value.cause ?? null);
    try {
      await commitChange(store, {
        writes: [guarded, ...(told?.writes ?? [])],
        announcements: told?.announcements ?? [],
      });
      return told?.alert ?? null;
    } catch (error) {
      if (!(error instanceof ConflictError) || turn === TURNS) throw error;
    }
  }
}

interface Told {
  readonly alert: Alert;
  readonly writes: readonly Write[];
  readonly announcements: readonly Announcement[];
}

async function planAlert(
  store: Store,
  { tenant, model }: Place,
  { subject, at, evidence, cause }: Observation,
  change: AlertChange,
  former: AlertState['cause'],
): Promise<Told> {
  const [channels, found] = await Promise.all([
    readAll(store, paths.alertChannels(tenant), AlertChannel),
    read(store, paths.model(tenant, model), Model),
  ]);
  // Whoever recovers says what it recovers from.
  const why = cause ?? former;
  const id = idFrom('a', `${tenant}/${model}/${subject.kind}/${subject.id}/${evidence}/${change}`);
  const message: AlertMessage = {
    id,
    type: `alert.${change}`,
    tenant,
    model: { id: model, name: found?.value.name ?? model },
    subject,
    at,
    evidence,
    cause: why,
  };
  const deliveries = channelsFor(channels, model, subject.kind).flatMap((channel) =>
    deliveriesTo(store, channel, message),
  );
  const alert: Alert = {
    id,
    model,
    subject,
    kind: subject.kind,
    change,
    at,
    evidence,
    cause: why,
    told: deliveries.length,
    createdAt: now(store),
  };
  const expireAt = new Date(store.clock() + ALERT_DAYS * 86_400_000);
  return {
    alert,
    writes: [
      { kind: 'create', path: paths.alert(tenant, model, id), data: { ...alert, expireAt } },
      ...deliveries.map((one) => deliveryWrite(store, tenant, one)),
    ],
    announcements: deliveries.map((one) => deliveryMessage(tenant, one)),
  };
}

/** A delivery of `message` for each receiver of a channel. */
export function deliveriesTo(store: Store, channel: AlertChannel, message: AlertMessage): AlertDelivery[] {
  const receivers = channel.target.kind === 'email' ? channel.target.members : [null];
  return receivers.map((member) => ({
    id: idFrom('d', `${message.id}/${channel.id}/${member ?? ''}`),
    channel: channel.id,
    member,
    message,
    status: 'pending',
    attempts: [],
    tries: 0,
    nextAt: now(store),
    createdAt: now(store),
    finishedAt: null,
  }));
}

/** The write that keeps a new delivery. */
export function deliveryWrite(store: Store, tenant: string, delivery: AlertDelivery): Write {
  const expireAt = new Date(store.clock() + KEPT_DAYS * 86_400_000);
  return {
    kind: 'create',
    path: paths.alertDelivery(tenant, delivery.id),
    data: { ...delivery, expireAt },
  };
}

/** The message that has a delivery tried. */
export function deliveryMessage(tenant: string, { id }: Pick<AlertDelivery, 'id'>): Announcement {
  return announce('alert-delivery-requested', { tenant, delivery: id });
}
