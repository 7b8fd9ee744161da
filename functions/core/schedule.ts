import { z } from 'zod';
import { Cron, TimeOfDay, TimeZone, Weekday } from './cron.ts';
import { FailureSchema } from './failure.ts';
import { Id, Moment, Name } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { deletable, editable, editGuard } from './resource.ts';

/** What a schedule starts. */
export const ScheduledWork = z.discriminatedUnion('kind', [
  /** `together`: as of `startEtl`; left out: as the model says. */
  z.strictObject({ kind: z.literal('etl'), together: z.boolean().optional() }),
  z.strictObject({ kind: z.literal('pipeline'), config: Id, dataset: Id }),
]);
export type ScheduledWork = z.infer<typeof ScheduledWork>;

/** Every hour, or every few, at a minute of it by the clock of the zone. */
const hourly = z.strictObject({
  kind: z.literal('hourly'),
  minute: z.int().min(0).max(59),
  /** Hours from one to the next, counted from midnight. */
  every: z.literal([1, 2, 3, 4, 6, 8, 12]).default(1),
  timeZone: TimeZone,
});
const daily = z.strictObject({ kind: z.literal('daily'), at: TimeOfDay, timeZone: TimeZone });
const weekly = z.strictObject({
  kind: z.literal('weekly'),
  at: TimeOfDay,
  days: z
    .array(Weekday)
    .min(1)
    .max(7)
    .refine((days) => new Set(days).size === days.length, 'a day is named twice'),
  timeZone: TimeZone,
});
/** A month without that day is left out: 29, 30 and 31 are for months that have them. */
const monthly = z.strictObject({
  kind: z.literal('monthly'),
  at: TimeOfDay,
  day: z.int().min(1).max(31),
  timeZone: TimeZone,
});
const cron = z.strictObject({ kind: z.literal('cron'), cron: Cron, timeZone: TimeZone });

/** Times by the calendar of a time zone. */
export const TimedWhen = z.discriminatedUnion('kind', [hourly, daily, weekly, monthly, cron]);
export type TimedWhen = z.infer<typeof TimedWhen>;

/**
 * When a schedule starts its work.
 * - by the clock: `hourly`, `daily`, `weekly`, `monthly`, `cron`
 * - `after-etl`: after each ETL run that succeeded; `partial`: also after one that left tables out
 * - `new-data`: after an ETL run, once the data set's tables have at least `minRows` more rows than the last pipeline run
 *   over that data set could see
 */
export const When = z.discriminatedUnion('kind', [
  hourly,
  daily,
  weekly,
  monthly,
  cron,
  z.strictObject({ kind: z.literal('after-etl'), partial: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal('new-data'), minRows: z.int().min(1).max(1e12) }),
]);
export type When = z.infer<typeof When>;

/** What to do when the time has come while a run of the kind is active: leave it out, or start one run after it. */
export const ScheduleOverlap = z.enum(['skip', 'queue']);

/**
 * What becomes of times that passed without anything being started, while the schedule was paused or nothing ran.
 * - `skip`: what came up while it was paused is left out, and so is a time that is more than 12 hours past
 * - `once`: the newest of them is made up for by one run, however late
 */
export const CatchUp = z.enum(['skip', 'once']);
export type CatchUp = z.infer<typeof CatchUp>;

/** How often a run that failed is started again, and after how long first; each pause is twice the one before. */
export const Retries = z.strictObject({
  times: z.int().min(0).max(5).default(0),
  minutes: z.int().min(1).max(720).default(10),
});
export type Retries = z.infer<typeof Retries>;

/** The longest pause before a try, in minutes: a day. */
const LONGEST_PAUSE = 24 * 60;

/** Minutes before the `attempt`th try again (from 1). */
export function retryPauseMinutes({ minutes }: Retries, attempt: number): number {
  return Math.min(minutes * 2 ** (attempt - 1), LONGEST_PAUSE);
}

const definition = {
  name: Name,
  what: ScheduledWork,
  when: When,
  overlap: ScheduleOverlap.default('skip'),
  catchUp: CatchUp.default('skip'),
  retries: Retries.prefault({}),
  /** Nothing is started before this moment; null: from now on. */
  notBefore: Moment.nullable().default(null),
};

/** A load after each load would never end; new data is of use to pipelines alone. */
const startsItself = ({ what, when }: { readonly what: ScheduledWork; readonly when: When }) =>
  what.kind === 'etl' && !isTimed(when);
const mustBePipeline = {
  path: ['when'],
  error: 'only a pipeline can start after a load or on new data: choose a time for a load',
};

/** What a person sets. */
export const ScheduleDefinition = z
  .strictObject({ ...definition, paused: z.boolean().default(false) })
  .refine((one) => !startsItself(one), mustBePipeline);
export type ScheduleDefinition = z.infer<typeof ScheduleDefinition>;

/** Parts of a schedule that can be changed. Pausing has calls of its own. */
export const ScheduleChange = z.strictObject({
  name: Name.optional(),
  what: ScheduledWork.optional(),
  when: When.optional(),
  overlap: ScheduleOverlap.optional(),
  catchUp: CatchUp.optional(),
  retries: Retries.optional(),
  notBefore: Moment.nullable().optional(),
  ...editGuard,
});
export type ScheduleChange = z.infer<typeof ScheduleChange>;

/** The run that a schedule started. */
export const StartedRun = z.object({ kind: z.enum(['etl', 'pipeline']), id: Id });
export type StartedRun = z.infer<typeof StartedRun>;

/** `tenants/{t}/models/{m}/schedules/{s}`: the truth, which Cloud Scheduler's job follows. */
export const Schedule = z.object({
  id: Id,
  ...definition,
  paused: z.boolean(),
  createdBy: z.string(),
  /** Whether who set its work and times last may deploy: else versions of its runs are left to people. */
  mayDeploy: z.boolean().default(true),
  ...editable,
  ...deletable,
  /** Occasions before this moment are not its own: it did not exist, was paused, deleted, or had other times. */
  since: Moment,
  /** The newest time of the calendar that was seen to; null before the first, and where the clock plays no part. */
  lastSlot: Moment.nullable(),
  /** The next time of the calendar; null where there is none: paused, deleted, or not by the clock. */
  nextDue: Moment.nullable(),
  lastFiredAt: Moment.nullable(),
  lastRun: StartedRun.nullable(),
});
export type Schedule = z.infer<typeof Schedule>;

/** Whether the clock decides. */
export function isTimed(when: When): when is TimedWhen {
  return when.kind !== 'after-etl' && when.kind !== 'new-data';
}

/** Whether it may start anything by itself now. */
export function isAwake(schedule: Pick<Schedule, 'paused' | 'deletedAt'>): boolean {
  return !schedule.paused && schedule.deletedAt === null;
}

/** The cron expression of the times, five fields. */
export function cronOf(when: TimedWhen): string {
  if (when.kind === 'cron') return when.cron;
  if (when.kind === 'hourly') return `${when.minute} ${when.every === 1 ? '*' : `*/${when.every}`} * * *`;
  const [hour, minute] = when.at.split(':').map(Number);
  const time = `${minute} ${hour}`;
  if (when.kind === 'daily') return `${time} * * *`;
  return when.kind === 'weekly' ? `${time} * * ${when.days.join(',')}` : `${time} ${when.day} * *`;
}

/*
 *   waiting ─▶ requested ─▶ started     its run is there
 *      └───────────┴──────▶ skipped     it never came: another run was active, or the start was refused
 *   waiting                             the run of an occasion failed, and is to be started again later
 *   skipped                             left out from the first, with the reason
 */
export const FiringStatus = z.enum(['waiting', 'requested', 'started', 'skipped']);
export type FiringStatus = z.infer<typeof FiringStatus>;
export type FiringEvent = 'ask' | 'start' | 'skip';

export const firingCycle: LifeCycle<FiringStatus, FiringEvent> = {
  waiting: { ask: 'requested', start: null, skip: 'skipped' },
  requested: { ask: null, start: 'started', skip: 'skipped' },
  started: { ask: null, start: null, skip: null },
  skipped: { ask: null, start: null, skip: null },
};

/** What became of one occasion: `…/schedules/{s}/firings/{id}`, one document per occasion. */
export const Firing = z.object({
  id: Id,
  schedule: Id,
  status: FiringStatus,
  /** Who or what had it fire: the clock, a load that ended, a person, or a run that failed. */
  cause: z.enum(['clock', 'etl', 'person', 'retry']),
  /** The time of the calendar it stands for; null where the clock plays no part. */
  slot: Moment.nullable(),
  /** Times of the calendar before this one that passed without anything being started; counted up to 1,000. */
  missed: z.int(),
  /** Who asked for it: a person's or a key's, else `system`. */
  requestedBy: z.string(),
  /** The run that was asked for; it exists once the status is `started`. */
  run: StartedRun.nullable(),
  /** Why it was left out, or why its run failed. */
  reason: FailureSchema.nullable(),
  /** Whether its run ended well; null while it is not over, and where there was none. */
  succeeded: z.boolean().nullable().default(null),
  /** When it was over: its run had ended, or it was left out. */
  concludedAt: Moment.nullable().default(null),
  /** How many tries came before it; those are the firing `retryOf` and its retries. */
  attempt: z.int().default(0),
  retryOf: Id.nullable().default(null),
  /** The firing that tries again; null where none does. */
  retriedBy: Id.nullable().default(null),
  /** The run that failed, whose tables that were not loaded are to be. */
  failedRun: Id.nullable().default(null),
  /** When a try that waits is to be made. */
  dueAt: Moment.nullable().default(null),
  createdAt: Moment,
});
export type Firing = z.infer<typeof Firing>;

/** Occasions that are left out on purpose, by a person's choice: nothing to be alarmed about. */
const ON_PURPOSE: readonly string[] = [
  'schedule-paused',
  'schedule-deleted',
  'out-of-order',
  'run-active',
  'run-waiting',
  'model-archived',
  'model-deleted',
  'tenant-suspended',
  'run-cancelled',
  'retry-overtaken',
];

/** Whether an occasion that is over came to nothing that somebody should hear of. */
export function comesToNothing({ succeeded, reason }: Pick<Firing, 'succeeded' | 'reason'>): boolean {
  return succeeded !== true && (reason === null || !ON_PURPOSE.includes(reason.code));
}

/** A coming time of a schedule. */
export const Occurrence = z.object({
  at: Moment,
  /** The same by the clock of the time zone, with its offset: `2026-03-29T03:00+02:00`. */
  local: z.string(),
  /** What the change of the clocks does to it: moved behind the hour that is left out, or in the hour that comes twice. */
  note: z.enum(['moved', 'hour-comes-twice']).nullable(),
});
export type Occurrence = z.infer<typeof Occurrence>;
