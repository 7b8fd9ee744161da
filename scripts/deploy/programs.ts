import { createHash } from 'node:crypto';
import { DEAD_LETTER_TOPIC, EVENTS, MAX_DELIVERIES } from '../../functions/core/events.ts';
import type { Deploy, EventDeploy, HttpDeploy, JobDeploy } from '../../functions/runtime/deploy.ts';
import { accountEmail, binding } from './accounts.ts';
import { environmentOf, type Installation, namesOf } from './installation.ts';
import { type Command, gcloud, type Step } from './step.ts';

/** A deployable as the plan needs it. */
export interface Program {
  readonly name: string;
  readonly deploy: Deploy;
  /** Whether it connects to hosts that customers name: then it leaves by the fixed address. */
  readonly reachesSources: boolean;
  /** SHA-256 of its bundle, in hex; '' where it has not been built. */
  readonly sha256: string;
}

/** Label that says which bundle is deployed, and how: the same one in the same way is not deployed again. */
const LABEL = 'tradewind-bundle';

/** Topics of events, dead letters kept for a week, and the rights of Google's own agent for dead-lettering. */
export function topicSteps(installation: Installation): Step[] {
  const { project } = installation;
  const topic = (name: string): Step => ({
    id: `topics/${name}`,
    what: `topic ${name}`,
    check: gcloud(project, 'pubsub', 'topics', 'describe', name, '--format=value(name)'),
    want: `projects/${project}/topics/${name}`,
    make: [gcloud(project, 'pubsub', 'topics', 'create', name, '--message-retention-duration=7d')],
    change: [],
  });
  const agent = 'service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com';
  const asAgent = (role: string, why: string): Step => ({
    id: `topics/agent/${role.replace('roles/', '')}`,
    what: `Pub/Sub’s own agent has ${role}`,
    why,
    first: [numberOf(project)],
    ...binding(installation, 'project', `serviceAccount:${agent}`, role),
  });
  return [
    ...Object.keys(EVENTS).map(topic),
    topic(DEAD_LETTER_TOPIC),
    {
      id: `subscriptions/${DEAD_LETTER_TOPIC}-kept`,
      what: 'a subscription that keeps dead letters for 7 days, should the function that stores them fail',
      check: gcloud(
        project,
        'pubsub',
        'subscriptions',
        'describe',
        `${DEAD_LETTER_TOPIC}-kept`,
        '--format=value(topic)',
      ),
      want: `projects/${project}/topics/${DEAD_LETTER_TOPIC}`,
      make: [
        gcloud(
          project,
          'pubsub',
          'subscriptions',
          'create',
          `${DEAD_LETTER_TOPIC}-kept`,
          `--topic=${DEAD_LETTER_TOPIC}`,
          '--message-retention-duration=7d',
          '--expiration-period=never',
        ),
      ],
      change: [],
    },
    asAgent('roles/pubsub.publisher', 'puts a message that nobody could handle on the dead-letter topic'),
    asAgent('roles/pubsub.subscriber', 'takes it off its subscription'),
    asAgent('roles/iam.serviceAccountTokenCreator', 'signs the OIDC tokens that functions are called with'),
  ];
}

function numberOf(project: string): Command {
  return {
    ...gcloud(project, 'projects', 'describe', project, '--format=value(projectNumber)'),
    capture: 'PROJECT_NUMBER',
  };
}

/** Images of the containers, jobs and functions, in the order in which they need each other. */
export function programSteps(installation: Installation, programs: readonly Program[]): Step[] {
  const containers = programs.filter(
    ({ deploy }) => deploy.trigger === 'job' || deploy.trigger === 'service',
  );
  const tags = containers
    .filter(({ sha256 }) => sha256 !== '')
    .map(({ name, sha256 }) => `${name}=${tagOf(sha256)}`)
    .join(',');
  return [
    ...containers.map((one) => imageStep(installation, one)),
    ...programs.flatMap((one) => {
      const { deploy } = one;
      if (deploy.trigger === 'http') return [httpStep(installation, one, deploy, tags)];
      if (deploy.trigger === 'event')
        return [eventStep(installation, one, deploy, tags), deadLetterStep(installation, one, deploy)];
      // The trainer is no Cloud Run job: each training is a Vertex AI custom job of its image.
      if (deploy.trigger === 'job' && deploy.serviceAccount !== 'trainer')
        return [jobStep(installation, one, deploy)];
      return [];
    }),
  ];
}

function imageStep({ project, region }: Installation, { name, sha256 }: Program): Step {
  const image = `${namesOf({ project, region }).images}/${name}`;
  const tag = tagOf(sha256);
  return {
    id: `images/${name}`,
    what: `image ${image}:latest, also tagged with its bundle’s hash`,
    check: gcloud(
      project,
      'artifacts',
      'docker',
      'images',
      'describe',
      `${image}:${tag}`,
      '--format=value(image_summary.digest)',
    ),
    make: [
      gcloud(
        project,
        'builds',
        'submit',
        '.',
        `--region=${region}`,
        '--config=scripts/deploy/cloudbuild.yaml',
        `--service-account=projects/${project}/serviceAccounts/${accountEmail(project, 'build')}`,
        `--substitutions=_ENTRY=${name},_IMAGE=${image},_TAG=${tag}`,
        `--default-buckets-behavior=regional-user-owned-bucket`,
      ),
    ],
    change: [],
  };
}

/** What an image is tagged with, beside `latest`. */
function tagOf(sha256: string): string {
  return sha256 === '' ? 'latest' : sha256.slice(0, 16);
}

function hasKey({ serviceAccount }: Pick<Deploy, 'serviceAccount'>): boolean {
  return serviceAccount === 'api' || serviceAccount === 'events';
}

/** The installation's key, and beside it another one that opens too, while the one takes the other's place. */
function secretsOf({ keyVersions, ...installation }: Installation): string {
  const { keySecret } = namesOf(installation);
  const { current = 'latest', former = null } = keyVersions ?? {};
  return [
    `TRADEWIND_INSTALLATION_KEY=${keySecret}:${current}`,
    ...(former === null ? [] : [`TRADEWIND_FORMER_KEYS=${keySecret}:${former}`]),
    ...(installation.mail === undefined ? [] : [`TRADEWIND_MAIL_URL=${installation.mail.secret}:latest`]),
  ].join(',');
}

/** What the label says is deployed: the bundle, and everything else that it is deployed with. */
function deployedAs(sha256: string, args: readonly string[]): string {
  const settings = createHash('sha256').update(args.join('\n')).digest('hex');
  return `${sha256.slice(0, 16)}-${settings.slice(0, 8)}`;
}

/** Variables as gcloud takes them; `;` between them, for values hold commas. */
function environmentFlag(values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  return `--set-env-vars=^;^${pairs.join(';')}`;
}

function common(installation: Installation, { deploy, reachesSources }: Program, tags: string): string[] {
  const names = namesOf(installation);
  const opensSecrets = hasKey(deploy);
  return [
    `--region=${installation.region}`,
    `--memory=${deploy.memory}`,
    `--cpu=${deploy.cpu}`,
    `--service-account=${accountEmail(installation.project, deploy.serviceAccount)}`,
    environmentFlag({
      ...environmentOf(installation),
      // Containers are started by events alone.
      ...(deploy.serviceAccount === 'events' && tags !== '' ? { TRADEWIND_IMAGE_TAGS: tags } : {}),
    }),
    ...(opensSecrets ? [`--set-secrets=${secretsOf(installation)}`] : []),
    ...(reachesSources ? [`--vpc-connector=${names.connector}`, '--egress-settings=all'] : []),
  ];
}

function httpStep(installation: Installation, program: Program, deploy: HttpDeploy, tags: string): Step {
  return functionStep(
    installation,
    program,
    [
      '--trigger-http',
      // Hosting forwards requests without an identity of its own: every request is authenticated by the function itself.
      '--allow-unauthenticated',
      `--concurrency=${deploy.concurrency}`,
    ],
    'answers HTTP requests; authenticates each itself, for Hosting forwards them without an identity',
    tags,
  );
}

function eventStep(installation: Installation, program: Program, deploy: EventDeploy, tags: string): Step {
  return functionStep(
    installation,
    program,
    [
      `--trigger-topic=${deploy.topic}`,
      `--trigger-location=${installation.region}`,
      `--trigger-service-account=${accountEmail(installation.project, 'invoker')}`,
      '--no-allow-unauthenticated',
      '--retry',
      `--concurrency=${deploy.concurrency}`,
    ],
    `handles ${deploy.topic}; only the invoker may call it`,
    tags,
  );
}

function functionStep(
  installation: Installation,
  program: Program,
  trigger: readonly string[],
  what: string,
  tags: string,
): Step {
  const { project, region } = installation;
  const build = accountEmail(project, 'build');
  const args = [
    '--gen2',
    '--runtime=nodejs24',
    `--entry-point=${program.name}`,
    `--source=dist/functions/${program.name}`,
    `--build-service-account=projects/${project}/serviceAccounts/${build}`,
    ...common(installation, program, tags),
    `--timeout=${program.deploy.timeoutSeconds}`,
    '--max-instances=100',
    ...trigger,
  ];
  const label = deployedAs(program.sha256, args);
  return {
    id: `functions/${program.name}`,
    what: `function ${program.name} (nodejs24, ${program.deploy.memory}, ${program.deploy.timeoutSeconds} s): ${what}`,
    check: gcloud(
      project,
      'functions',
      'describe',
      program.name,
      '--gen2',
      `--region=${region}`,
      `--format=value(labels.${LABEL})`,
    ),
    ...(program.sha256 === '' ? {} : { want: label }),
    make: [
      gcloud(
        project,
        'functions',
        'deploy',
        program.name,
        ...args,
        ...(program.sha256 === '' ? [] : [`--update-labels=${LABEL}=${label},app=${program.name}`]),
      ),
    ],
  };
}

/** Eventarc makes the subscription; its patience and its dead letters are ours. */
function deadLetterStep(
  { project, region }: Installation,
  { name, deploy }: Program,
  event: EventDeploy,
): Step {
  const dead = String(event.topic) === DEAD_LETTER_TOPIC;
  const ackSeconds = Math.min(600, Math.max(10, deploy.timeoutSeconds));
  return {
    id: `subscriptions/${name}`,
    what: `the subscription of ${name}: tries again after 1 to 60 s${dead ? '' : `, dead-lettered after ${MAX_DELIVERIES} deliveries`}`,
    first: [
      {
        ...gcloud(
          project,
          'functions',
          'describe',
          name,
          '--gen2',
          `--region=${region}`,
          '--format=value(eventTrigger.trigger.basename())',
        ),
        capture: 'TRIGGER',
      },
      {
        ...gcloud(
          project,
          'eventarc',
          'triggers',
          'describe',
          '${TRIGGER}',
          `--location=${region}`,
          '--format=value(transport.pubsub.subscription)',
        ),
        capture: 'SUBSCRIPTION',
      },
    ],
    check: gcloud(
      project,
      'pubsub',
      'subscriptions',
      'describe',
      '${SUBSCRIPTION}',
      '--format=value(ackDeadlineSeconds,retryPolicy.minimumBackoff,retryPolicy.maximumBackoff,deadLetterPolicy.maxDeliveryAttempts)',
    ),
    want: `${ackSeconds} 1s 60s${dead ? '' : ` ${MAX_DELIVERIES}`}`,
    make: [
      gcloud(
        project,
        'pubsub',
        'subscriptions',
        'update',
        '${SUBSCRIPTION}',
        `--ack-deadline=${ackSeconds}`,
        '--min-retry-delay=1s',
        '--max-retry-delay=60s',
        // A dead letter that fails again would go round for ever.
        ...(dead
          ? []
          : [`--dead-letter-topic=${DEAD_LETTER_TOPIC}`, `--max-delivery-attempts=${MAX_DELIVERIES}`]),
      ),
    ],
  };
}

function jobStep(installation: Installation, program: Program, deploy: JobDeploy): Step {
  const { project, region } = installation;
  const names = namesOf(installation);
  const args = [
    `--region=${region}`,
    `--image=${names.images}/${program.name}:${tagOf(program.sha256)}`,
    `--service-account=${accountEmail(project, deploy.serviceAccount)}`,
    `--memory=${deploy.memory}`,
    `--cpu=${deploy.cpu}`,
    `--tasks=${deploy.tasks}`,
    `--max-retries=${deploy.maxRetries}`,
    `--task-timeout=${deploy.timeoutSeconds}s`,
    environmentFlag(environmentOf(installation)),
    ...(program.reachesSources
      ? [`--network=${names.network}`, `--subnet=${names.subnet}`, '--vpc-egress=all-traffic']
      : []),
  ];
  const label = deployedAs(program.sha256, args);
  return {
    id: `jobs/${program.name}`,
    what: `Cloud Run job ${program.name} (${deploy.cpu} CPU, ${deploy.memory}, at most ${deploy.timeoutSeconds / 3600} h a task)`,
    check: gcloud(
      project,
      'run',
      'jobs',
      'describe',
      program.name,
      `--region=${region}`,
      `--format=value(metadata.labels.${LABEL})`,
    ),
    ...(program.sha256 === '' ? {} : { want: label }),
    make: [
      gcloud(
        project,
        'run',
        'jobs',
        'deploy',
        program.name,
        ...args,
        ...(program.sha256 === '' ? [] : [`--labels=${LABEL}=${label}`]),
      ),
    ],
  };
}
