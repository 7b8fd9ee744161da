import { APIS } from './apis.ts';
import { type Installation, namesOf } from './installation.ts';
import { gcloud, type Step } from './step.ts';

/** What everything else stands on: APIs, database, key, bucket, images, network. */
export function foundationSteps(installation: Installation): Step[] {
  return [
    ...apiSteps(installation),
    ...databaseSteps(installation),
    keyStep(installation),
    ...bucketSteps(installation),
    repositoryStep(installation),
    ...networkSteps(installation),
  ];
}

function apiSteps({ project }: Installation): Step[] {
  return Object.entries(APIS).map(([api, why]) => ({
    id: `apis/${api}`,
    what: `API ${api} is on`,
    why,
    check: gcloud(
      project,
      'services',
      'list',
      '--enabled',
      `--filter=config.name=${api}`,
      '--format=value(config.name)',
    ),
    want: api,
    make: [gcloud(project, 'services', 'enable', api)],
  }));
}

function databaseSteps({ project, firestore }: Installation): Step[] {
  return [
    {
      id: 'firestore/database',
      what: `Firestore in native mode in ${firestore}, kept from deletion, restorable to any moment of the last 7 days`,
      check: gcloud(
        project,
        'firestore',
        'databases',
        'describe',
        '--database=(default)',
        '--format=value(name)',
      ),
      make: [
        gcloud(
          project,
          'firestore',
          'databases',
          'create',
          '--database=(default)',
          `--location=${firestore}`,
          '--type=firestore-native',
          '--delete-protection',
          '--enable-pitr',
        ),
      ],
      // A database is never made anew.
      change: [],
    },
    {
      id: 'firestore/backups',
      what: 'a backup of Firestore every day, kept for 14 days',
      check: gcloud(
        project,
        'firestore',
        'backups',
        'schedules',
        'list',
        '--database=(default)',
        '--format=value(retention)',
      ),
      want: '1209600s',
      make: [
        gcloud(
          project,
          'firestore',
          'backups',
          'schedules',
          'create',
          '--database=(default)',
          '--recurrence=daily',
          '--retention=14d',
        ),
      ],
    },
  ];
}

/** The key is made once, straight into Secret Manager: nobody sees it. A rotation adds a version: scripts/rotate-keys.ts says how. */
function keyStep({ project, region }: Installation): Step {
  const { keySecret } = namesOf({ project, region });
  return {
    id: 'secrets/installation-key',
    what: `secret ${keySecret}: 32 random bytes in base64, replicated in ${region} alone`,
    why: 'wraps the tenants’ data keys; whoever loses it loses every stored credential',
    check: gcloud(
      project,
      'secrets',
      'versions',
      'list',
      keySecret,
      '--filter=state=ENABLED',
      '--limit=1',
      '--format=value(state)',
    ),
    want: 'enabled',
    make: [
      {
        ...gcloud(
          project,
          'secrets',
          'create',
          keySecret,
          '--replication-policy=user-managed',
          `--locations=${region}`,
          '--data-file=-',
        ),
        input: { secret: 'new-key' },
      },
    ],
    // Never another one by itself: what the first has wrapped would not open.
    change: [],
  };
}

/** What goes by itself: objects marked as temporary (a run's staged files), uploads that were begun and not ended. */
export const BUCKET_LIFE_CYCLE = {
  rule: [
    { action: { type: 'Delete' }, condition: { daysSinceCustomTime: 7 } },
    { action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: 7 } },
    { action: { type: 'Delete' }, condition: { isLive: false, daysSinceNoncurrentTime: 7 } },
  ],
} as const;

function bucketSteps({ project, region }: Installation): Step[] {
  const url = `gs://${namesOf({ project, region }).bucket}`;
  return [
    {
      id: 'storage/bucket',
      what: `bucket ${url} in ${region}: uniform access, public access prevented, deleted objects kept for 7 days`,
      check: gcloud(
        project,
        'storage',
        'buckets',
        'describe',
        url,
        '--format=value(uniform_bucket_level_access,public_access_prevention)',
      ),
      want: 'true enforced',
      make: [
        gcloud(
          project,
          'storage',
          'buckets',
          'create',
          url,
          `--location=${region}`,
          '--uniform-bucket-level-access',
          '--public-access-prevention',
          '--soft-delete-duration=7d',
        ),
      ],
      change: [
        gcloud(
          project,
          'storage',
          'buckets',
          'update',
          url,
          '--uniform-bucket-level-access',
          '--public-access-prevention',
        ),
      ],
    },
    {
      id: 'storage/life-cycle',
      what: 'objects marked as temporary go after 7 days, begun uploads likewise',
      check: gcloud(project, 'storage', 'buckets', 'describe', url, '--format=json(lifecycle_config)'),
      want: JSON.stringify({ lifecycle_config: BUCKET_LIFE_CYCLE }),
      make: [
        {
          ...gcloud(project, 'storage', 'buckets', 'update', url, '--lifecycle-file=/dev/stdin'),
          input: { text: JSON.stringify(BUCKET_LIFE_CYCLE) },
        },
      ],
    },
  ];
}

function repositoryStep({ project, region }: Installation): Step {
  const { repository } = namesOf({ project, region });
  return {
    id: 'images/repository',
    what: `Artifact Registry repository ${repository} for images`,
    check: gcloud(
      project,
      'artifacts',
      'repositories',
      'describe',
      repository,
      `--location=${region}`,
      '--format=value(format)',
    ),
    want: 'DOCKER',
    make: [
      gcloud(
        project,
        'artifacts',
        'repositories',
        'create',
        repository,
        `--location=${region}`,
        '--repository-format=docker',
        '--description=Tradewind containers',
      ),
    ],
    change: [],
  };
}

/** Ranges that nothing of the installation may reach through its network: whatever the guard in the code misses ends here. */
const INSIDE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'];

/** Ours within them. */
const SUBNET_RANGE = '10.8.0.0/24';
const CONNECTOR_RANGE = '10.8.1.0/28';

/** A network whose only way out is one fixed address: customers allow that address, and no other, in their firewalls. */
function networkSteps(installation: Installation): Step[] {
  const { project, region, allowedHosts } = installation;
  const names = namesOf(installation);
  const compute = (...args: string[]) => gcloud(project, 'compute', ...args);
  const one = (
    id: string,
    what: string,
    kind: string[],
    name: string,
    place: string[],
    args: string[],
  ): Step => ({
    id,
    what,
    check: compute(...kind, 'describe', name, ...place, '--format=value(name)'),
    want: name,
    make: [compute(...kind, 'create', name, ...place, ...args)],
    change: [],
  });
  const at = [`--region=${region}`];
  const closed = allowedHosts === '';
  const firewall = 'tradewind-no-inside';
  const inForce = closed ? '--no-disabled' : '--disabled';
  return [
    one(
      'network/network',
      `network ${names.network}`,
      ['networks'],
      names.network,
      [],
      ['--subnet-mode=custom'],
    ),
    one(
      'network/subnet',
      `subnet ${SUBNET_RANGE} for containers`,
      ['networks', 'subnets'],
      names.subnet,
      at,
      [`--network=${names.network}`, `--range=${SUBNET_RANGE}`, '--enable-private-ip-google-access'],
    ),
    one(
      'network/address',
      'a fixed external address: the one that customers allow',
      ['addresses'],
      names.address,
      at,
      [],
    ),
    one('network/router', 'a router', ['routers'], names.router, at, [`--network=${names.network}`]),
    one(
      'network/nat',
      'NAT: everything leaves by the fixed address',
      ['routers', 'nats'],
      names.nat,
      [`--router=${names.router}`, ...at],
      [
        `--nat-external-ip-pool=${names.address}`,
        '--nat-all-subnet-ip-ranges',
        '--enable-dynamic-port-allocation',
      ],
    ),
    {
      id: 'network/firewall',
      what: closed
        ? 'nothing leaves to private or link-local addresses'
        : 'the firewall rule against private addresses is off: which of them may be reached says the product’s own guard',
      check: compute('firewall-rules', 'describe', firewall, '--format=value(disabled)'),
      want: closed ? 'False' : 'True',
      make: [
        compute(
          'firewall-rules',
          'create',
          firewall,
          `--network=${names.network}`,
          '--direction=EGRESS',
          '--action=DENY',
          '--rules=all',
          `--destination-ranges=${INSIDE.join(',')}`,
          '--priority=1000',
          inForce,
        ),
      ],
      // Hosts may be allowed, or no longer, after the first deployment.
      change: [compute('firewall-rules', 'update', firewall, inForce)],
    },
    {
      id: 'network/connector',
      what: `Serverless VPC Access connector ${names.connector} (${CONNECTOR_RANGE}) for functions that reach customers’ databases`,
      check: compute(
        'networks',
        'vpc-access',
        'connectors',
        'describe',
        names.connector,
        ...at,
        '--format=value(state)',
      ),
      want: 'READY',
      make: [
        compute(
          'networks',
          'vpc-access',
          'connectors',
          'create',
          names.connector,
          ...at,
          `--network=${names.network}`,
          `--range=${CONNECTOR_RANGE}`,
          '--min-instances=2',
          '--max-instances=3',
        ),
      ],
      change: [],
    },
  ];
}
