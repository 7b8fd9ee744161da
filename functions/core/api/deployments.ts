import { z } from 'zod';
import { TrafficShare, TrafficSplit } from '../canary.ts';
import { Deployment, DeploymentStatus } from '../deployment.ts';
import { Id } from '../ids.ts';
import { LogLine } from '../log.ts';
import { DeploymentSettings, ServingChange } from '../pipeline-config.ts';
import { contract, listQuery, pageOf } from './contract.ts';

export const startDeployment = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/deployments',
  access: 'deploy',
  rate: 'trigger',
  summary: 'Deploy a version; while a deployment is under way its own record is the answer.',
  body: z.strictObject({ version: Id, settings: DeploymentSettings.prefault({}) }),
  answer: Deployment,
  status: 202,
});

export const listDeployments = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/deployments',
  access: 'read',
  summary: 'Deployments, newest first; by status or version.',
  query: listQuery({ status: DeploymentStatus.optional(), version: Id.optional() }, ['createdAt']).omit({
    deleted: true,
  }),
  answer: pageOf(Deployment),
});

/** Who answers how much now. `canary`: whose share it is that grows, or is held. */
export const TrafficRecord = z.object({
  live: Id.nullable(),
  canary: Id.nullable(),
  /** Whether the canary's share stays as a person has set it. */
  held: z.boolean(),
  /** 100 percent together; nothing where nothing answers. */
  split: z.array(TrafficShare),
});

export const getTraffic = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/deployments/traffic',
  access: 'read',
  summary: 'How the model’s requests are split.',
  answer: TrafficRecord,
});

export const splitTraffic = contract({
  method: 'PUT',
  path: '/api/tenants/{tenant}/models/{model}/deployments/traffic',
  access: 'deploy',
  summary:
    'Split the model’s requests between what is live and its canary; all of them make the canary the live one. The share stays unless `goOn` lets the canary’s own steps go on from it.',
  body: z.strictObject({ split: TrafficSplit, goOn: z.boolean().default(false) }),
  answer: TrafficRecord,
  status: 202,
});

export const getDeployment = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/deployments/{deployment}',
  access: 'read',
  summary: 'One deployment.',
  answer: Deployment,
});

export const changeDeployment = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/models/{model}/deployments/{deployment}',
  access: 'deploy',
  rate: 'trigger',
  summary:
    'Other instances, concurrency or warm-up of the live deployment: a new revision of the same version takes over once it is up.',
  body: ServingChange,
  answer: Deployment,
  status: 202,
});

export const rollBack = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/deployments/{deployment}/rollback',
  access: 'deploy',
  summary:
    'Take a deployment back: a canary’s share goes back to what is live; a live one is followed by what answered before it, or by the earlier deployment named. The answer is the deployment that the roll-back is seen on.',
  body: z.strictObject({ to: Id.optional() }),
  answer: Deployment,
  status: 202,
});

export const stopDeployment = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/deployments/{deployment}/stop',
  access: 'deploy',
  summary:
    'End a deployment: one on its way is taken out again; with the live one the service stops answering, which must be confirmed.',
  body: z.strictObject({ confirm: z.boolean().default(false) }),
  answer: Deployment,
  status: 202,
});

export const getDeploymentLogs = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/deployments/{deployment}/logs',
  access: 'read',
  summary: 'What the deployment’s service has said lately, newest first.',
  query: z.strictObject({
    /** Lines at least; those said in the same moment come with them. */
    limit: z.coerce.number().int().min(1).max(200).default(100),
    after: z
      .string()
      .regex(/^[0-9]{15}-[0-9]{6}-[a-z0-9]{4,32}$/, 'must be what the former page called "next"')
      .optional(),
  }),
  answer: pageOf(LogLine),
});

export const getDeploymentHealth = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/deployments/{deployment}/health',
  access: 'read',
  summary: 'What the deployment’s revision has answered: how much, how well, how fast.',
  answer: z.object({
    revision: z.string().nullable(),
    requests: z.int(),
    /** Answers with status 5xx. */
    errors: z.int(),
    /** Milliseconds within which half, and 95 of 100, answers were made, to the next bucket; null where there is none or it took longer than the last. */
    p50Ms: z.number().nullable(),
    p95Ms: z.number().nullable(),
    instancesStarted: z.int(),
    instancesEnded: z.int(),
  }),
});
