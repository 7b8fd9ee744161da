import { z } from 'zod';
import { FailureSchema } from './failure.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { LogLine } from './log.ts';
import { DeploymentSettings } from './pipeline-config.ts';
import { RevisionHealth } from './service-health.ts';

/*
 *   creating ─▶ verifying ─┬─▶ canary ─┬─▶ live ─▶ superseded | rolled-back | stopped
 *      │            │      └───────────┘
 *      │            │           └──▶ rolled-back         (it did badly, or a person said so)
 *      └────────────┴───────────┴──▶ failed | stopped    (the former deployment stays live)
 *
 *   canary       answers a share of the requests, step by step more
 *   live         the model's main one; the model's first deployment goes there from verifying
 *   superseded   another one was deployed after it
 *   rolled-back  it was taken back; what answered before answers again
 *
 * Rolling back makes a new deployment that `restores` an earlier one: nothing that is over is ever changed.
 */
export const DeploymentStatus = z.enum([
  'creating',
  'verifying',
  'canary',
  'live',
  'superseded',
  'rolled-back',
  'stopped',
  'failed',
]);
export type DeploymentStatus = z.infer<typeof DeploymentStatus>;
export type DeploymentEvent = 'verify' | 'share' | 'open' | 'supersede' | 'roll-back' | 'stop' | 'fail';

const over = {
  verify: null,
  share: null,
  open: null,
  supersede: null,
  'roll-back': null,
  stop: null,
  fail: null,
};
export const deploymentCycle: LifeCycle<DeploymentStatus, DeploymentEvent> = {
  creating: { ...over, verify: 'verifying', stop: 'stopped', fail: 'failed' },
  verifying: { ...over, share: 'canary', open: 'live', stop: 'stopped', fail: 'failed' },
  canary: { ...over, open: 'live', 'roll-back': 'rolled-back', stop: 'stopped', fail: 'failed' },
  live: { ...over, supersede: 'superseded', 'roll-back': 'rolled-back', stop: 'stopped' },
  superseded: over,
  'rolled-back': over,
  stopped: over,
  failed: over,
};

/** Whether a deployment of this status is on its way: the model's next one waits for it. */
export function isOnItsWay(status: DeploymentStatus): boolean {
  return status === 'creating' || status === 'verifying' || status === 'canary';
}

/** What a person, or the product itself, wants of a deployment and has not got yet. */
export const Wish = z.object({
  /** `promote`: all requests go to it now. */
  kind: z.enum(['stop', 'roll-back', 'promote']),
  at: Moment,
  /** Uid of the person, `key:<id>`, or `system`. */
  by: z.string(),
  /** Why, where the product itself wants it. */
  failure: FailureSchema.nullable(),
});
export type Wish = z.infer<typeof Wish>;

/** Where a canary stands. */
export const CanaryState = z.object({
  percent: z.int().min(0).max(100),
  /** Since when it has this share. */
  since: Moment,
  /** A person set the share: it stays as it is until they change it. What does badly is rolled back all the same. */
  held: z.boolean(),
  /** What the revision had counted when the step began. */
  before: RevisionHealth,
});
export type CanaryState = z.infer<typeof CanaryState>;

/** Other settings wanted of a live deployment: they take a new revision of the same version. */
export const Rescaling = z.object({
  settings: DeploymentSettings,
  at: Moment,
  by: z.string(),
  /** Why it came to nothing; the settings are then as they were. */
  failure: FailureSchema.nullable(),
});
export type Rescaling = z.infer<typeof Rescaling>;

/** How many of a log's last lines are kept with a failure. */
export const LAST_LINES = 20;

/** A version on its way to, or on, the model's service: `…/models/{m}/deployments/{d}`. */
export const Deployment = z.object({
  id: Id,
  version: Id,
  /** The pipeline run whose last stage this is; null for a deployment asked for by a person. */
  run: Id.nullable(),
  status: DeploymentStatus,
  settings: DeploymentSettings,
  requestedBy: z.string(),
  attempts: z.int(),
  /** The earlier deployment that this one brings back; null for one of its own. */
  restores: Id.nullable().default(null),
  /** What was live when this one went live (or, for a restored one, before that): where a roll-back leads. */
  former: Id.nullable().default(null),
  /** Cloud Run service and revision. */
  service: z.string().nullable(),
  revision: z.string().nullable(),
  /** The deployment whose name the revision's answers, health and log carry: this one, or the one it restores. */
  speaksAs: Id.nullable().default(null),
  /** How many revisions it has had: one more for each change of its settings. */
  revisions: z.int().min(1).default(1),
  /** Where the service answers once live. */
  url: z.url().nullable(),
  /** Served lists compared with offline lists before traffic. */
  compared: z.int(),
  /** Requests by which it was warmed up before traffic. */
  warmed: z.int().default(0),
  canary: CanaryState.nullable().default(null),
  wish: Wish.nullable().default(null),
  rescaling: Rescaling.nullable().default(null),
  failure: FailureSchema.nullable(),
  /** Why everybody's lists of its version could not be loaded into the warehouse; null where they were, or were not tried. */
  listsFailure: FailureSchema.nullable().default(null),
  /** The last of its log where it failed. */
  lastLines: z.array(LogLine).max(LAST_LINES).default([]),
  createdAt: Moment,
  liveAt: Moment.nullable(),
  finishedAt: Moment.nullable(),
});
export type Deployment = z.infer<typeof Deployment>;

/** Whether there is something to be done about the deployment: it is on its way, or something is wanted of it. */
export function needsWork({ status, wish, rescaling }: Deployment): boolean {
  if (isOnItsWay(status)) return true;
  return status === 'live' && (wish !== null || (rescaling !== null && rescaling.failure === null));
}

/** A deployment as it begins. */
export function newDeployment(
  facts: Pick<Deployment, 'id' | 'version' | 'run' | 'settings' | 'requestedBy' | 'createdAt'> &
    Partial<Pick<Deployment, 'restores' | 'former'>>,
): Deployment {
  return {
    restores: null,
    former: null,
    ...facts,
    status: 'creating',
    attempts: 0,
    service: null,
    revision: null,
    speaksAs: null,
    revisions: 1,
    url: null,
    compared: 0,
    warmed: 0,
    canary: null,
    wish: null,
    rescaling: null,
    failure: null,
    listsFailure: null,
    lastLines: [],
    liveAt: null,
    finishedAt: null,
  };
}
