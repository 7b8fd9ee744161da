import { z } from 'zod';
import { Id } from './ids.ts';

const ofModel = z.strictObject({ tenant: Id, model: Id });
const ofRun = ofModel.extend({ run: Id });

/** Every topic and what its messages say: the map of the asynchronous half. Unknown keys are refused. */
export const EVENTS = {
  /** A person asked for a source to be tested. */
  'connection-test-requested': ofModel.extend({ test: Id }),
  /** An ETL run was written; start the job. */
  'etl-requested': ofRun,
  /** The runner has ended, well or not. */
  'etl-finished': ofRun,
  /** A stage of a pipeline run may begin. */
  'extraction-requested': ofRun,
  'vocabulary-requested': ofRun,
  'training-requested': ofRun,
  /** The trainer container has ended, well or not; the run's folder says which. */
  'training-finished': ofRun,
  /** A deployment was written; create, verify, open it. */
  'deployment-requested': ofModel.extend({ deployment: Id }),
  /** A deployment is live or failed; a pipeline run may wait for it. */
  'deployment-finished': ofModel.extend({ deployment: Id }),
  /** Every minute: republish what was written and never published, look after what died. */
  tick: z.strictObject({}),
} as const;

export type Topic = keyof typeof EVENTS;
export type Payload<T extends Topic> = z.infer<(typeof EVENTS)[T]>;

/** Tries of one message that a function makes before it gives it up, records that on the run and dead-letters it. */
export const MAX_ATTEMPTS = 6;

/**
 * Deliveries after which Pub/Sub itself dead-letters a message: only for functions that cannot even be called. Well above
 * MAX_ATTEMPTS, for a delivery while the message is being handled elsewhere counts too. Pub/Sub allows 5 to 100.
 */
export const MAX_DELIVERIES = 20;

/** Where messages go that were tried in vain. */
export const DEAD_LETTER_TOPIC = 'dead-letter';

/** A message to be published once the writes it belongs to are committed. */
export interface Announcement<T extends Topic = Topic> {
  readonly topic: T;
  readonly payload: Payload<T>;
}

/** `topic` with its payload, checked against the topic's schema by the compiler. */
export function announce<T extends Topic>(topic: T, payload: Payload<T>): Announcement<T> {
  return { topic, payload };
}
