import { CUSTOM_ROLES, type Right, RIGHTS } from './rights.ts';
import { type Installation, namesOf } from './installation.ts';
import { type Command, gcloud, type Step } from './step.ts';

const ACCOUNTS: Readonly<Record<Right['account'], string>> = {
  api: 'functions that answer HTTP requests',
  events: 'functions that handle events',
  etl: 'the ETL runner',
  trainer: 'the trainer',
  recommender: 'recommender services',
  invoker: 'what delivers events to functions',
  build: 'builds',
};

/** The address of one of the installation's accounts. */
export function accountEmail(project: string, account: Right['account']): string {
  return `tradewind-${account}@${project}.iam.gserviceaccount.com`;
}

/** Service accounts, custom roles, and who has which right on what. */
export function accountSteps(installation: Installation): Step[] {
  const { project } = installation;
  return [
    ...Object.entries(ACCOUNTS).map(([account, what]): Step => {
      // The keys of ACCOUNTS are the accounts.
      const email = accountEmail(project, account as Right['account']);
      return {
        id: `accounts/${account}`,
        what: `service account ${email}`,
        why: what,
        check: gcloud(project, 'iam', 'service-accounts', 'describe', email, '--format=value(email)'),
        want: email,
        make: [
          gcloud(
            project,
            'iam',
            'service-accounts',
            'create',
            `tradewind-${account}`,
            `--display-name=Tradewind ${what}`,
          ),
        ],
        change: [],
      };
    }),
    ...customRoleSteps(project),
    ...RIGHTS.map((right) => rightStep(installation, right)),
  ];
}

/** The custom roles in `project`: the installation's, or one of a tenant's own. */
export function customRoleSteps(project: string): Step[] {
  return Object.entries(CUSTOM_ROLES).map(([role, { title, permissions }]) => ({
    id: `roles/${project}/${role}`,
    what: `custom role ${role} in ${project}: ${permissions.length} permissions`,
    check: gcloud(project, 'iam', 'roles', 'describe', role, '--format=value(includedPermissions.join(","))'),
    want: [...permissions].sort().join(','),
    make: [
      gcloud(
        project,
        'iam',
        'roles',
        'create',
        role,
        `--title=${title}`,
        `--permissions=${permissions.join(',')}`,
        '--stage=GA',
      ),
    ],
    change: [gcloud(project, 'iam', 'roles', 'update', role, `--permissions=${permissions.join(',')}`)],
  }));
}

function rightStep(installation: Installation, right: Right): Step {
  const { project } = installation;
  const { account, why, on } = right;
  const condition = right.condition && {
    ...right.condition,
    expression: right.condition.expression.replaceAll('{bucket}', namesOf(installation).bucket),
  };
  const role = right.role.startsWith('roles/') ? right.role : `projects/${project}/roles/${right.role}`;
  return {
    id: `rights/${account}/${right.role.replace('roles/', '')}/${on}`,
    what: `${account} has ${right.role} on ${on === 'project' ? 'the project' : on}${condition === undefined ? '' : ` where ${condition.expression}`}`,
    why,
    ...binding(installation, on, `serviceAccount:${accountEmail(project, account)}`, role, condition),
  };
}

/** A role for `member` on the place named: asked for first, given where it is not there. */
export function binding(
  installation: Pick<Installation, 'project' | 'region'>,
  on: Right['on'],
  member: string,
  role: string,
  condition?: Right['condition'],
): Pick<Step, 'check' | 'want' | 'make'> {
  const { project } = installation;
  const names = namesOf(installation);
  const [noun, target, ...place]: readonly [readonly string[], string, ...string[]] =
    on === 'project'
      ? [['projects'], project]
      : on === 'bucket'
        ? [['storage', 'buckets'], `gs://${names.bucket}`]
        : on === 'key'
          ? [['secrets'], names.keySecret]
          : on === 'images'
            ? [['artifacts', 'repositories'], names.repository, `--location=${installation.region}`]
            : [['iam', 'service-accounts'], accountEmail(project, accountOf(on))];
  const at = (verb: string, ...args: string[]): Command =>
    gcloud(project, ...noun, verb, target, ...place, ...args);
  return {
    check: at(
      'get-iam-policy',
      '--flatten=bindings[].members',
      `--filter=bindings.role=${role} AND bindings.members=${member}`,
      '--format=value(bindings.role)',
    ),
    want: role,
    make: [
      at(
        'add-iam-policy-binding',
        `--member=${member}`,
        `--role=${role}`,
        condition === undefined
          ? '--condition=None'
          : `--condition=^;^title=${condition.title};expression=${condition.expression}`,
      ),
    ],
  };
}

function accountOf(on: `account:${string}`): Right['account'] {
  // Right's type allows only accounts after the colon.
  return on.slice('account:'.length) as Right['account'];
}
