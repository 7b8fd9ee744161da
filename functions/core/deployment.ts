import { z } from 'zod';
import { FailureSchema } from './failure.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { DeploymentSettings } from './pipeline-config.ts';

/*
 *   creating ─▶ verifying ─▶ live ─▶ superseded | rolled-back | stopped
 *      └───────────┴──────────▶ failed            (the former deployment stays live)
 */
export const DeploymentStatus = z.enum([
  'creating',
  'verifying',
  'live',
  'superseded',
  'rolled-back',
  'stopped',
  'failed',
]);
export type DeploymentStatus = z.infer<typeof DeploymentStatus>;
export type DeploymentEvent = 'verify' | 'open' | 'supersede' | 'roll-back' | 'stop' | 'fail';

const over = { verify: null, open: null, supersede: null, 'roll-back': null, stop: null, fail: null };
export const deploymentCycle: LifeCycle<DeploymentStatus, DeploymentEvent> = {
  creating: { ...over, verify: 'verifying', stop: 'stopped', fail: 'failed' },
  verifying: { ...over, open: 'live', stop: 'stopped', fail: 'failed' },
  live: { ...over, supersede: 'superseded', 'roll-back': 'rolled-back', stop: 'stopped' },
  superseded: over,
  'rolled-back': over,
  stopped: over,
  failed: over,
};

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
  /** Cloud Run service and revision. */
  service: z.string().nullable(),
  revision: z.string().nullable(),
  /** Where the service answers once live. */
  url: z.url().nullable(),
  /** Served lists compared with offline lists before traffic. */
  compared: z.int(),
  failure: FailureSchema.nullable(),
  createdAt: Moment,
  liveAt: Moment.nullable(),
  finishedAt: Moment.nullable(),
});
export type Deployment = z.infer<typeof Deployment>;
