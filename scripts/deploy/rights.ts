import type { ServiceAccount } from '../../functions/runtime/deploy.ts';

/** Custom roles: only what the code calls, where Google's own roles hold much more. */
export const CUSTOM_ROLES = {
  tradewindContainers: {
    title: 'Tradewind: run containers',
    permissions: [
      'run.services.get',
      'run.services.list',
      'run.services.create',
      'run.services.update',
      'run.services.delete',
      'run.services.getIamPolicy',
      'run.services.setIamPolicy',
      'run.revisions.get',
      'run.revisions.list',
      'run.jobs.get',
      'run.jobs.run',
      'run.jobs.runWithOverrides',
      'run.executions.get',
      'run.executions.list',
      'run.executions.cancel',
      'run.executions.delete',
      'run.operations.get',
    ],
  },
  tradewindTraining: {
    title: 'Tradewind: train',
    permissions: [
      'aiplatform.customJobs.create',
      'aiplatform.customJobs.get',
      'aiplatform.customJobs.list',
      'aiplatform.customJobs.cancel',
      'aiplatform.customJobs.delete',
    ],
  },
  tradewindTrainingSeen: {
    title: 'Tradewind: see trainings',
    permissions: ['aiplatform.customJobs.list'],
  },
  tradewindWarehouse: {
    title: 'Tradewind: clear the warehouse',
    permissions: ['bigquery.datasets.delete', 'bigquery.jobs.get', 'bigquery.jobs.update'],
  },
  tradewindJobsSeen: {
    title: 'Tradewind: see what others’ jobs came to',
    permissions: ['bigquery.jobs.get'],
  },
  tradewindSchedules: {
    title: 'Tradewind: schedules',
    permissions: [
      'cloudscheduler.jobs.create',
      'cloudscheduler.jobs.update',
      'cloudscheduler.jobs.get',
      'cloudscheduler.jobs.list',
      'cloudscheduler.jobs.delete',
      'cloudscheduler.jobs.pause',
      'cloudscheduler.jobs.enable',
      'cloudscheduler.jobs.run',
    ],
  },
} as const;

/** A role on something, and why. */
export interface Right {
  readonly account: ServiceAccount | 'invoker' | 'build';
  readonly role: `roles/${string}` | keyof typeof CUSTOM_ROLES;
  /** Where it holds: the project, the bucket, the installation's key, its images, or as which account it lets act. */
  readonly on: 'project' | 'bucket' | 'key' | 'images' | `account:${ServiceAccount}`;
  readonly why: string;
  /** An IAM condition (CEL) and its title; `{bucket}` stands for the name of the installation's bucket. */
  readonly condition?: { readonly title: string; readonly expression: string };
}

const BIGQUERY_LOGS = {
  title: 'prediction-logs-only',
  expression: 'resource.name.extract("/datasets/{dataset}_logs") != ""',
};

/** Builds run what others have published; customers' files are none of their business. */
const NOT_TENANTS_DATA = {
  title: 'not-the-tenants-bucket',
  expression:
    '!resource.name.startsWith("projects/_/buckets/{bucket}/") && resource.name != "projects/_/buckets/{bucket}"',
};

/**
 * Least privilege: each account has what its deployables call, and nothing of the others. No basic role (owner, editor,
 * viewer) anywhere, and no right to administer.
 */
export const RIGHTS: readonly Right[] = [
  { account: 'api', role: 'roles/datastore.user', on: 'project', why: 'configuration and runs' },
  { account: 'api', role: 'roles/pubsub.publisher', on: 'project', why: 'events' },
  { account: 'api', role: 'roles/firebaseauth.viewer', on: 'project', why: 'whether a sign-in was revoked' },
  {
    account: 'api',
    role: 'roles/bigquery.user',
    on: 'project',
    why: 'a model’s datasets are made; dry runs and previews',
  },
  { account: 'api', role: 'roles/bigquery.dataViewer', on: 'project', why: 'previews of data sets' },
  { account: 'api', role: 'roles/storage.objectUser', on: 'bucket', why: 'upload addresses, exports' },
  {
    account: 'api',
    role: 'roles/iam.serviceAccountTokenCreator',
    on: 'account:api',
    why: 'signs download addresses as itself',
  },
  { account: 'api', role: 'tradewindSchedules', on: 'project', why: 'schedules' },
  {
    account: 'api',
    role: 'tradewindTrainingSeen',
    on: 'project',
    why: 'preflight asks whether Vertex AI answers; what changes containers is done by events',
  },
  { account: 'api', role: 'roles/secretmanager.secretAccessor', on: 'key', why: 'seals credentials' },
  { account: 'events', role: 'roles/datastore.user', on: 'project', why: 'runs' },
  { account: 'events', role: 'roles/pubsub.publisher', on: 'project', why: 'events, dead letters' },
  {
    account: 'events',
    role: 'roles/firebaseauth.viewer',
    on: 'project',
    why: 'the confirmed address of a member that an alert is mailed to',
  },
  {
    account: 'events',
    role: 'roles/bigquery.user',
    on: 'project',
    why: 'extraction and vocabulary are jobs',
  },
  {
    account: 'events',
    role: 'roles/bigquery.dataEditor',
    on: 'project',
    why: 'snapshots; a deleted model’s datasets are removed',
  },
  {
    account: 'events',
    role: 'tradewindWarehouse',
    on: 'project',
    why: 'jobs of a load are looked at and cancelled for it; a deleted model’s datasets are removed',
  },
  {
    account: 'events',
    role: 'roles/storage.objectUser',
    on: 'bucket',
    why: 'requests and results of trainings; a deleted tenant’s objects',
  },
  {
    account: 'events',
    role: 'tradewindContainers',
    on: 'project',
    why: 'starts loads, deploys recommenders',
  },
  {
    account: 'events',
    role: 'roles/run.invoker',
    on: 'project',
    why: 'asks a new recommender before anybody else may',
  },
  {
    account: 'events',
    role: 'roles/artifactregistry.reader',
    on: 'images',
    why: 'who deploys an image must be able to read it',
  },
  { account: 'events', role: 'tradewindTraining', on: 'project', why: 'starts trainings' },
  {
    account: 'events',
    role: 'tradewindSchedules',
    on: 'project',
    why: 'brings Cloud Scheduler in line with the documents',
  },
  {
    account: 'events',
    role: 'roles/iam.serviceAccountUser',
    on: 'account:trainer',
    why: 'trainings run as the trainer',
  },
  {
    account: 'events',
    role: 'roles/iam.serviceAccountUser',
    on: 'account:recommender',
    why: 'services run as the recommender',
  },
  {
    account: 'events',
    role: 'roles/secretmanager.secretAccessor',
    on: 'key',
    why: 'opens credentials for connection tests; wraps tenants’ keys',
  },
  { account: 'etl', role: 'roles/datastore.user', on: 'project', why: 'the run and its tables' },
  { account: 'etl', role: 'roles/pubsub.publisher', on: 'project', why: 'tells that it has ended' },
  { account: 'etl', role: 'roles/bigquery.user', on: 'project', why: 'load and publish jobs' },
  { account: 'etl', role: 'roles/bigquery.dataEditor', on: 'project', why: 'raw tables' },
  {
    account: 'etl',
    role: 'tradewindJobsSeen',
    on: 'project',
    why: 'a publication’s job may have been used up by events, which meant to end the run',
  },
  { account: 'etl', role: 'roles/storage.objectUser', on: 'bucket', why: 'staged files; uploads' },
  { account: 'trainer', role: 'roles/datastore.user', on: 'project', why: 'progress and log of the run' },
  { account: 'trainer', role: 'roles/pubsub.publisher', on: 'project', why: 'tells that it has ended' },
  { account: 'trainer', role: 'roles/storage.objectUser', on: 'bucket', why: 'snapshot in, artifact out' },
  {
    account: 'recommender',
    role: 'roles/datastore.user',
    on: 'project',
    why: 'memberships and keys of callers; its health',
  },
  {
    account: 'recommender',
    role: 'roles/firebaseauth.viewer',
    on: 'project',
    why: 'whether a sign-in was revoked',
  },
  { account: 'recommender', role: 'roles/storage.objectViewer', on: 'bucket', why: 'loads its artifact' },
  {
    account: 'recommender',
    role: 'roles/bigquery.dataEditor',
    on: 'project',
    why: 'writes its prediction log',
    condition: BIGQUERY_LOGS,
  },
  {
    account: 'invoker',
    role: 'roles/run.invoker',
    on: 'project',
    why: 'Pub/Sub calls event functions as this account, by OIDC',
  },
  {
    account: 'invoker',
    role: 'roles/eventarc.eventReceiver',
    on: 'project',
    why: 'Eventarc delivers to event functions',
  },
  { account: 'build', role: 'roles/logging.logWriter', on: 'project', why: 'builds write their logs' },
  { account: 'build', role: 'roles/artifactregistry.writer', on: 'project', why: 'builds push images' },
  {
    account: 'build',
    role: 'roles/storage.objectViewer',
    on: 'project',
    why: 'builds read the uploaded sources',
    condition: NOT_TENANTS_DATA,
  },
];
