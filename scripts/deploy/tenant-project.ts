import { accountEmail, binding, customRoleSteps } from './accounts.ts';
import { BUCKET_LIFE_CYCLE } from './foundation.ts';
import { type Installation, namesOf } from './installation.ts';
import type { Right } from './rights.ts';
import { gcloud, type Step } from './step.ts';

/** What a tenant's own project must have on: warehouse, artifacts, training, serving. */
const APIS = [
  'aiplatform.googleapis.com',
  'bigquery.googleapis.com',
  'run.googleapis.com',
  'storage.googleapis.com',
  'iam.googleapis.com',
];

/** What the installation's accounts may do in a tenant's own project; Firestore and secrets stay in the installation's. */
const CROSS: readonly Pick<Right, 'account' | 'role' | 'why'>[] = [
  { account: 'api', role: 'roles/bigquery.user', why: 'the tenant’s models get their datasets here' },
  { account: 'api', role: 'roles/bigquery.dataViewer', why: 'previews of data sets' },
  { account: 'api', role: 'roles/storage.objectUser', why: 'upload addresses, exports' },
  { account: 'api', role: 'tradewindTrainingSeen', why: 'preflight asks whether Vertex AI answers' },
  { account: 'events', role: 'roles/bigquery.user', why: 'extraction and vocabulary' },
  { account: 'events', role: 'roles/bigquery.dataEditor', why: 'snapshots' },
  { account: 'events', role: 'tradewindWarehouse', why: 'cancelled loads; deleted models' },
  { account: 'events', role: 'roles/storage.objectUser', why: 'requests and results of trainings' },
  { account: 'events', role: 'tradewindContainers', why: 'the tenant’s recommenders run here' },
  { account: 'events', role: 'roles/run.invoker', why: 'asks a new recommender before anybody else may' },
  { account: 'events', role: 'tradewindTraining', why: 'the tenant’s trainings run here' },
  { account: 'etl', role: 'roles/bigquery.user', why: 'load and publish jobs' },
  { account: 'etl', role: 'roles/bigquery.dataEditor', why: 'raw tables' },
  { account: 'etl', role: 'tradewindJobsSeen', why: 'jobs that events used up' },
  { account: 'etl', role: 'roles/storage.objectUser', why: 'staged files' },
  { account: 'trainer', role: 'roles/storage.objectUser', why: 'snapshot in, artifact out' },
  { account: 'recommender', role: 'roles/storage.objectViewer', why: 'loads its artifact' },
  { account: 'recommender', role: 'roles/bigquery.dataEditor', why: 'writes its prediction log' },
];

/** Google's own agents in a tenant's project that start containers there: Vertex AI's two, and Cloud Run's. */
const AGENTS = [
  { agent: 'gcp-sa-aiplatform', account: 'trainer' },
  { agent: 'gcp-sa-aiplatform-cc', account: 'trainer' },
  { agent: 'serverless-robot-prod', account: 'recommender' },
] as const;

/**
 * A project that is one tenant's alone (isolated): the tenant's documents then name it as its cloud. Tenants without one
 * share the installation's (pooled), their datasets told apart by a prefix; the code does not ask which.
 */
export function tenantProjectSteps(installation: Installation, tenantProject: string): Step[] {
  const there = { project: tenantProject, region: installation.region };
  const bucket = `gs://${namesOf(there).bucket}`;
  const named = (steps: readonly Step[]) =>
    steps.map((step) => ({ ...step, id: `${tenantProject}/${step.id}` }));
  return named([
    ...APIS.map((api) => ({
      id: `apis/${api}`,
      what: `API ${api} is on in ${tenantProject}`,
      check: gcloud(
        tenantProject,
        'services',
        'list',
        '--enabled',
        `--filter=config.name=${api}`,
        '--format=value(config.name)',
      ),
      want: api,
      make: [gcloud(tenantProject, 'services', 'enable', api)],
    })),
    {
      id: 'bucket',
      what: `bucket ${bucket} for the tenant’s artifacts and staged files`,
      check: gcloud(tenantProject, 'storage', 'buckets', 'describe', bucket, '--format=value(name)'),
      make: [
        gcloud(
          tenantProject,
          'storage',
          'buckets',
          'create',
          bucket,
          `--location=${installation.region}`,
          '--uniform-bucket-level-access',
          '--public-access-prevention',
          '--soft-delete-duration=7d',
        ),
        {
          ...gcloud(tenantProject, 'storage', 'buckets', 'update', bucket, '--lifecycle-file=/dev/stdin'),
          input: { text: JSON.stringify(BUCKET_LIFE_CYCLE) },
        },
      ],
      change: [],
    },
    ...customRoleSteps(tenantProject),
    ...CROSS.map(({ account, role, why }) => ({
      id: `rights/${account}/${role.replace('roles/', '')}`,
      what: `${account} of ${installation.project} has ${role} in ${tenantProject}`,
      why,
      ...binding(
        there,
        'project',
        `serviceAccount:${accountEmail(installation.project, account)}`,
        role.startsWith('roles/') ? role : `projects/${tenantProject}/roles/${role}`,
      ),
    })),
    ...AGENTS.flatMap(({ agent, account }) => {
      const member = `serviceAccount:service-\${TENANT_NUMBER}@${agent}.iam.gserviceaccount.com`;
      const first = [
        {
          ...gcloud(tenantProject, 'projects', 'describe', tenantProject, '--format=value(projectNumber)'),
          capture: 'TENANT_NUMBER',
        },
      ];
      return [
        {
          id: `rights/agent/${agent}/${account}`,
          what: `${agent} of ${tenantProject} may run containers as ${account} of ${installation.project}`,
          why: 'trainings and services of the tenant’s project run as the installation’s accounts',
          first,
          ...binding(installation, `account:${account}`, member, 'roles/iam.serviceAccountTokenCreator'),
        },
        {
          id: `rights/agent/${agent}/images`,
          what: `${agent} of ${tenantProject} may pull the images of ${installation.project}`,
          why: 'the containers that run there are the installation’s',
          first,
          ...binding(installation, 'images', member, 'roles/artifactregistry.reader'),
        },
      ];
    }),
  ]);
}
