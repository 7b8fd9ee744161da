import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEAD_LETTER_TOPIC, EVENTS } from '#core/events';
import { listDeployables, readDeploy, ROOT } from '#scripts/deployables';
import { accountEmail } from '#scripts/deploy/accounts';
import { environmentOf, type Installation } from '#scripts/deploy/installation';
import { readDeployOptions } from '#scripts/deploy/options';
import { planDeployment } from '#scripts/deploy/plan';
import { printPlan } from '#scripts/deploy/print';
import type { Program } from '#scripts/deploy/programs';
import { filesBehind, reachesSources } from '#scripts/deploy/reach';
import { RIGHTS } from '#scripts/deploy/rights';
import { commandLine, gcloud, type Step } from '#scripts/deploy/step';

const installation: Installation = {
  project: 'acme-prod',
  region: 'europe-west1',
  firestore: 'eur3',
  origins: ['https://acme-prod.web.app'],
  allowedHosts: '',
  outboundAddresses: '203.0.113.7',
  tenantProjects: ['acme-tenant-one'],
};
let programs: Program[];
let steps: Step[];
beforeAll(async () => {
  programs = await Promise.all(
    listDeployables().map(async (one) => ({
      name: one.name,
      deploy: await readDeploy(one),
      reachesSources: reachesSources(ROOT, one.file),
      sha256: 'ab'.repeat(32),
    })),
  );
  steps = planDeployment(installation, programs).flatMap((phase) => phase.steps);
});
const step = (id: string): Step => {
  const found = steps.find((one) => one.id === id);
  if (found === undefined) throw new Error(`the plan has no ${id}`);
  return found;
};
const words = (one: Step) => one.make.flatMap(({ args }) => args);

test('every deployable and every topic is in the plan', () => {
  const ids = new Set(steps.map(({ id }) => id));
  const missing = programs
    .map(({ name, deploy }) => {
      if (deploy.trigger === 'service' || deploy.serviceAccount === 'trainer') return `images/${name}`;
      return deploy.trigger === 'job' ? `jobs/${name}` : `functions/${name}`;
    })
    .concat([...Object.keys(EVENTS), DEAD_LETTER_TOPIC].map((topic) => `topics/${topic}`))
    .filter((id) => !ids.has(id));
  expect(missing).toEqual([]);
});

test('functions run on Node 24; event functions retry, are dead-lettered, and let only the invoker call', () => {
  for (const { name, deploy } of programs) {
    if (deploy.trigger !== 'http' && deploy.trigger !== 'event') continue;
    const args = words(step(`functions/${name}`));
    expect(args).toContain('--runtime=nodejs24');
    expect(args).toContain(`--service-account=${accountEmail('acme-prod', deploy.serviceAccount)}`);
    expect(args.includes('--allow-unauthenticated')).toBe(deploy.trigger === 'http');
    if (deploy.trigger === 'http') continue;
    expect(args).toEqual(
      expect.arrayContaining(['--retry', '--no-allow-unauthenticated', `--trigger-topic=${deploy.topic}`]),
    );
    const subscription = words(step(`subscriptions/${name}`));
    expect(subscription.some((arg) => arg.startsWith('--dead-letter-topic='))).toBe(
      String(deploy.topic) !== DEAD_LETTER_TOPIC,
    );
  }
});

test('what connects to customers’ hosts leaves by the fixed address, and nothing else does', () => {
  const reaching = programs.filter((one) => one.reachesSources).map(({ name }) => name);
  expect(reaching).toEqual(expect.arrayContaining(['connection-tests-test', 'etl-runner', 'sources-api']));
  expect(reaching).not.toContain('models-api');
  for (const { name, deploy, reachesSources: reaches } of programs) {
    if (deploy.trigger === 'service' || deploy.serviceAccount === 'trainer') continue;
    const args = words(step(deploy.trigger === 'job' ? `jobs/${name}` : `functions/${name}`));
    expect(args.some((arg) => /^--(vpc-connector|network)=/.test(arg))).toBe(reaches);
  }
});

test('every variable that the code reads is set, and the installation’s key only where credentials are opened', () => {
  const config = readFileSync(join(ROOT, 'functions/runtime/config.ts'), 'utf8');
  const read = new Set(config.match(/\b(?:GOOGLE_CLOUD|TRADEWIND)_[A-Z_]+\b/g));
  // Keys come from Secret Manager or with a run; former keys only during a rotation.
  for (const name of [
    'TRADEWIND_INSTALLATION_KEY',
    'TRADEWIND_FORMER_KEYS',
    'TRADEWIND_TENANT_KEYS',
    'TRADEWIND_MAIL_URL',
    // For those alone who start containers.
    'TRADEWIND_IMAGE_TAGS',
  ])
    read.delete(name);
  expect([...read].filter((name) => !(name in environmentOf(installation)))).toEqual([]);
  for (const { name, deploy } of programs) {
    if (deploy.trigger !== 'http' && deploy.trigger !== 'event') continue;
    const secret = words(step(`functions/${name}`)).some((arg) =>
      arg.startsWith('--set-secrets=TRADEWIND_INSTALLATION_KEY='),
    );
    expect({ name, secret }).toEqual({ name, secret: ['api', 'events'].includes(deploy.serviceAccount) });
  }
  const containers = steps.filter(({ id }) => id.startsWith('jobs/')).flatMap(words);
  expect(containers.join(' ')).not.toContain('INSTALLATION_KEY');
});

test('rights are least: no basic role, none to administer, each with its reason, each account used', () => {
  const given = steps.flatMap((one) => words(one).filter((arg) => arg.startsWith('--role=')));
  expect(given.length).toBeGreaterThan(30);
  expect(given.filter((arg) => /roles\/(owner|editor|viewer)$|[aA]dmin$/.test(arg))).toEqual([]);
  for (const { why } of RIGHTS) expect(why).not.toBe('');
  const accounts = new Set(programs.map(({ deploy }) => deploy.serviceAccount));
  for (const account of accounts) expect(RIGHTS.some((right) => right.account === account)).toBe(true);
  expect(RIGHTS.filter(({ on }) => on === 'key').map(({ account }) => account)).toEqual(['api', 'events']);
});

test('whoever mails members may look up their addresses', () => {
  const asking = listDeployables().filter(({ file }) =>
    filesBehind(ROOT, file).has('functions/alerts/receivers.ts'),
  );
  const names = new Set(asking.map(({ name }) => name));
  const accounts = programs.filter(({ name }) => names.has(name)).map(({ deploy }) => deploy.serviceAccount);
  expect(new Set(accounts)).toEqual(new Set(['api', 'events']));
  const may = RIGHTS.filter(({ role }) => role === 'roles/firebaseauth.viewer').map(({ account }) => account);
  expect(may).toEqual(expect.arrayContaining(accounts));
});

test('only events change containers; a tenant’s own project has what its uploads and containers need', () => {
  const roles = (account: string) =>
    RIGHTS.filter((right) => right.account === account).map(({ role }) => role);
  expect(roles('api')).not.toContain('tradewindContainers');
  // Preflight asks Vertex AI by the API's own account.
  expect(roles('api')).toContain('tradewindTrainingSeen');
  const there = steps.filter(({ id }) => id.startsWith('acme-tenant-one/'));
  const ids = there.map(({ id }) => id);
  expect(ids).toContain('acme-tenant-one/rights/api/storage.objectUser');
  expect(ids.filter((id) => /rights\/agent\/.*\/images$/.test(id))).toHaveLength(3);
  expect(words(step('rights/build/storage.objectViewer/project')).join(' ')).toContain(
    '"projects/_/buckets/acme-prod-tradewind/"',
  );
  expect(step('secrets/installation-key').change).toEqual([]);
});

test('another setting, or another image, deploys again what it concerns', () => {
  const planOf = (changed: Partial<Installation>, others: readonly Program[] = programs) =>
    new Map(
      planDeployment({ ...installation, ...changed }, others)
        .flatMap((phase) => phase.steps)
        .map((one) => [one.id, one]),
    );
  const events = programs.filter(({ deploy }) => deploy.trigger === 'event').map(({ name }) => name);
  const hosts = planOf({ allowedHosts: 'db.acme.example' });
  for (const name of events)
    expect(hosts.get(`functions/${name}`)?.want).not.toBe(step(`functions/${name}`).want);
  expect(hosts.get('jobs/etl-runner')?.want).not.toBe(step('jobs/etl-runner').want);
  // The network’s own rule follows, whether hosts come or go.
  const rule = (one: Step | undefined) => [
    one?.want,
    one?.change?.flatMap(({ args }) => args).includes('--disabled'),
  ];
  expect(rule(step('network/firewall'))).toEqual(['False', false]);
  expect(rule(hosts.get('network/firewall'))).toEqual(['True', true]);
  const trainer = planOf(
    {},
    programs.map((one) => (one.name === 'pipelines-trainer' ? { ...one, sha256: 'cd'.repeat(32) } : one)),
  );
  for (const name of events) {
    expect(trainer.get(`functions/${name}`)?.want).not.toBe(step(`functions/${name}`).want);
    expect(words(trainer.get(`functions/${name}`) ?? step('none')).join(' ')).toContain(
      'pipelines-trainer=cdcdcdcdcdcdcdcd',
    );
  }
  expect(trainer.get('functions/models-api')?.want).toBe(step('functions/models-api').want);
});

test('a region that the site does not send its calls to is refused, naming it', () => {
  const args = ['--plan', '--project', 'acme-prod', '--region', 'us-central1'];
  expect(readDeployOptions(args)).toMatchObject({ problem: expect.stringContaining('names europe-west1') });
});

test('while the key is rotated functions are deployed again with both versions, and containers with none', () => {
  const rotating = planDeployment({ ...installation, keyVersions: { current: '2', former: '1' } }, programs)
    .flatMap((phase) => phase.steps)
    .filter(({ id }) => /^(functions|jobs)\//.test(id));
  const opening = rotating.filter((one) => words(one).some((arg) => arg.startsWith('--set-secrets=')));
  expect(opening.length).toBeGreaterThan(20);
  for (const one of opening) {
    expect(words(one)).toContain(
      '--set-secrets=TRADEWIND_INSTALLATION_KEY=tradewind-installation-key:2,TRADEWIND_FORMER_KEYS=tradewind-installation-key:1',
    );
    // Another label than the same bundle has otherwise: so it is deployed again.
    expect(one.want).toMatch(/^abababababababab-[0-9a-f]{8}$/);
    expect(one.want).not.toBe(step(one.id).want);
    expect(words(one).join(' ')).toContain(`tradewind-bundle=${one.want},`);
  }
  expect(readDeployOptions(['--plan', '--project', 'acme-prod', '--former-key-version', '1'])).toHaveProperty(
    'problem',
  );
});

test('steps have names of their own, and a shell reads each command as it is meant', () => {
  expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
  const commands = steps.flatMap(({ make, check, change = [] }) => [
    ...make,
    ...change,
    ...(check ? [check] : []),
  ]);
  const awkward = gcloud('p', 'x', '--message=it\'s; $(rm -rf /) `id` "q" * ?', '--schedule=* * * * *', '');
  for (const command of [
    awkward,
    ...commands.filter(({ args }) => args.some((arg) => /[^\w@%+=:,./-]/.test(arg))).slice(0, 40),
  ]) {
    const bare = { ...command, input: undefined, capture: undefined, env: undefined };
    const line = commandLine({ program: bare.program, args: bare.args }).replace(
      /^\w+/,
      String.raw`printf '%s\n'`,
    );
    const heard = execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\n').slice(0, -1);
    expect(heard).toEqual(bare.args.map((arg) => arg.replaceAll(/\$\{\w+\}/g, '')));
  }
});

test('a tenant’s own project gets what works there, as the installation’s accounts, and no secret', () => {
  const there = steps.filter(({ id }) => id.startsWith('acme-tenant-one/'));
  expect(there.length).toBeGreaterThan(15);
  const text = JSON.stringify(there);
  expect(text).toContain('serviceAccount:tradewind-etl@acme-prod.iam.gserviceaccount.com');
  expect(text).not.toMatch(/secretmanager|datastore/);
});

test('the plan is read by people: titles, reasons, what is there if', () => {
  const text = printPlan(planDeployment(installation, programs));
  expect(text).toContain('# Foundation');
  expect(text).toContain('openssl rand -base64 32 | gcloud secrets create tradewind-installation-key');
  expect(text).toMatch(/## rights\/recommender\/storage.objectViewer\/bucket: .* – loads its artifact/);
});

test.each([
  [['--plan'], '--project ""'],
  [['--plan', '--apply', '--project', 'acme-prod'], 'either --plan or --apply'],
  [['--project', 'acme-prod'], 'either --plan or --apply'],
  [['--plan', '--project', 'Acme'], '"Acme"'],
  [['--plan', '--project', 'acme-prod', '--region', 'mars'], '"mars"'],
  [['--plan', '--project', 'acme-prod', '--origin', 'shop.example'], '"shop.example"'],
  [['--plan', '--project', 'acme-prod', '--tenant-project', 'acme-prod'], 'installation’s own'],
  [['--plan', '--project', 'acme-prod', '--allowed-hosts', 'http://x'], '"http://x"'],
  [['--plan', '--project', 'acme-prod', '--frob'], '--frob'],
])('%j is refused, naming what is wrong', (args, named) => {
  const read = readDeployOptions(args);
  expect('problem' in read ? read.problem : '').toContain(named);
});
