import { AlertDelivery } from '#core/alert';
import { toMoment } from '#core/ids';
import { commitChange, type Store } from '#store/store';
import { deliveryMessage } from './notice.ts';

/** Deliveries set off in one tick; the others by the next. */
const MOST = 500;

/** What is due so long ago was not set off, or whoever tried it is dead. */
const GRACE_SECONDS = 20;

/**
 * Has every delivery tried whose pause is over, and those whose message or process was lost: by a message each, so that a
 * slow receiver keeps no other waiting. May be done twice: whoever comes first tries.
 * @returns how many were set off
 */
export async function setOffDue(store: Store): Promise<number> {
  const due = await store.db.listGroup('alertDeliveries', {
    where: [
      ['nextAt', '<=', toMoment(store.clock() - GRACE_SECONDS * 1000)],
      ['nextAt', '>', ''],
    ],
    orderBy: ['nextAt', 'asc'],
    limit: MOST,
  });
  const announcements = due.flatMap(({ path, data }) => {
    const delivery = AlertDelivery.safeParse(data);
    const tenant = path.split('/')[1] ?? '';
    return delivery.success ? [deliveryMessage(tenant, delivery.data)] : [];
  });
  // A batch of Firestore holds 500 writes; each message is one.
  if (announcements.length > 0) await commitChange(store, { writes: [], announcements });
  return announcements.length;
}
