import { z } from 'zod';
import { Id, Moment } from './ids.ts';
import { TenantCloud } from './tenant.ts';

/**
 * The removal of a tenant from every store: `deletions/{t}`. It outlives the tenant as the certificate that nothing is
 * left, and names no person.
 *
 *   removing → settling → done
 *      ↑__________│
 *
 * `settling`: nothing is left, and it is looked again later, for work that was under way may have written once more.
 */
export const Deletion = z.object({
  tenant: Id,
  state: z.enum(['removing', 'settling', 'done']),
  /** When the removal began: the grace was over, or the owner would not wait. */
  startedAt: Moment,
  /** Since when nothing of it was seen. */
  quietSince: Moment.nullable(),
  finishedAt: Moment.nullable(),
  /** When it is looked again; null once it never is. */
  nextLookAt: Moment.nullable(),
  /** How many things went, by the store they were kept in. */
  counts: z.record(z.string(), z.int()),
  /** Things seen in a store that are being removed: what of them is gone at the next look was removed, and counts. */
  pending: z.record(z.string(), z.int()).default({}),
  /** Where its data lay: the way to look for it. Gone with the last look. */
  cloud: TenantCloud.nullable(),
});
export type Deletion = z.infer<typeof Deletion>;

/**
 * How long nothing must have been seen before the deletion is certified. Longer than a message is tried again and than a
 * container takes to stop.
 */
export const SETTLE_SECONDS = 900;

/** When it is looked a last time: after the longest that Pub/Sub keeps an undelivered message. */
export const LAST_LOOK_DAYS = 8;
