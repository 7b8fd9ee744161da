import { z } from 'zod';
import { Id } from './ids.ts';

/**
 * What a start comes to while a run of its kind is active: the active run is the answer, nothing is begun, or the new run
 * waits for the active one to end (one at most waits; a second such start gets the one that does).
 */
export const Overlap = z.enum(['join', 'refuse', 'queue']);
export type Overlap = z.infer<typeof Overlap>;

const ofModel = z.strictObject({ tenant: Id, model: Id });
const ofRun = ofModel.extend({ run: Id });

/** What set a run off, where it was no person or API key. */
export const Trigger = z.enum(['schedule', 'after-etl', 'new-data', 'import']);
export type Trigger = z.infer<typeof Trigger>;

/** What set a run off. */
export const RunTrigger = z.enum(['person', 'key', ...Trigger.options]);
export type RunTrigger = z.infer<typeof RunTrigger>;

/** Every topic and what its messages say: the map of the asynchronous half. Unknown keys are refused. */
export const EVENTS = {
  /** A person asked for a source to be tested. */
  'connection-test-requested': ofModel.extend({ test: Id }),
  /**
   * Something other than a person wants an ETL run: a schedule, or an import. `key`: the same for the same occasion,
   * however often the message comes.
   */
  'etl-start-requested': ofModel.extend({
    trigger: Trigger,
    key: z.string().max(200),
    overlap: Overlap.optional(),
    /** As of `startEtl`. */
    together: z.boolean().optional(),
    /** The run whose tables that were not loaded are to be; left out: all that are enabled. */
    retryOf: Id.optional(),
  }),
  /** Likewise a pipeline run. */
  'pipeline-start-requested': ofModel.extend({
    trigger: Trigger,
    key: z.string().max(200),
    config: Id,
    dataset: Id,
    overlap: Overlap.optional(),
    /** Whether who set it up may deploy; it is so where it is not said. */
    mayDeploy: z.boolean().optional(),
  }),
  /** A person asked for a run to end; see that its work stops and nothing is left behind. */
  'etl-cancel-requested': ofRun,
  'pipeline-cancel-requested': ofRun,
  /** A schedule's time has come, says Cloud Scheduler. */
  'schedule-fired': ofModel.extend({ schedule: Id }),
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
  /** A pipeline run is over, well or not. */
  'pipeline-finished': ofRun,
  /** A deployment was written, or a person changed what is wanted of it; see to it. */
  'deployment-requested': ofModel.extend({ deployment: Id }),
  /** A deployment is live or failed; a pipeline run may wait for it. */
  'deployment-finished': ofModel.extend({ deployment: Id }),
  /** An occasion of a schedule came to its end, its retries included: well, or to nothing. */
  'schedule-concluded': ofModel.extend({ schedule: Id, firing: Id }),
  /** An alert is to be sent to one receiver, for the first time or again. */
  'alert-delivery-requested': z.strictObject({ tenant: Id, delivery: Id }),
  /** A tenant's grace is over, or its owner would not wait: remove everything of it, everywhere. */
  'tenant-deletion-requested': z.strictObject({ tenant: Id }),
  /** An owner asked for a tenant's configuration and history as a file, or for such a file to be read in. */
  'tenant-export-requested': z.strictObject({ tenant: Id, export: Id }),
  'tenant-import-requested': z.strictObject({ tenant: Id, import: Id }),
  /** Every minute: republish what was written and never published, look after what died. */
  tick: z.strictObject({}),
} as const;

export type Topic = keyof typeof EVENTS;
export type Payload<T extends Topic> = z.infer<(typeof EVENTS)[T]>;

/** Topics whose messages are soon followed by the next of their kind: one that fails is neither kept nor long tried. */
export const PERIODIC: readonly string[] = ['tick'] satisfies Topic[];

/**
 * Tries of one message that a function makes before it gives it up, records that on the run and dead-letters it …
 */
export const MAX_ATTEMPTS = 6;

/**
 * … but what fails for a reason that may pass (TransientError) is tried for so long at least: six tries are used up in half
 * a minute, and a service that is away for some minutes must not fail every run.
 */
export const GIVE_UP_SECONDS = 600;

/**
 * Deliveries after which Pub/Sub itself dead-letters a message: only for functions that cannot even be called. Well above
 * what fits into GIVE_UP_SECONDS with a back-off of at most a minute (some 16), for a delivery while the message is being
 * handled elsewhere counts too. Pub/Sub allows 5 to 100.
 */
export const MAX_DELIVERIES = 50;

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
