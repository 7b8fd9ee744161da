import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { applyStep, runProcess, StepError } from '#scripts/deploy/apply';
import type { Installation } from '#scripts/deploy/installation';
import { planDeployment } from '#scripts/deploy/plan';
import type { Command, Step } from '#scripts/deploy/step';

const installation: Installation = {
  project: 'acme-prod',
  region: 'europe-west1',
  firestore: 'eur3',
  origins: ['https://acme-prod.web.app'],
  allowedHosts: '',
  outboundAddresses: '203.0.113.7',
  tenantProjects: [],
};
const event = {
  trigger: 'event',
  topic: 'tick',
  memory: '256Mi',
  cpu: 1,
  timeoutSeconds: 120,
  concurrency: 10,
  serviceAccount: 'events',
} as const;
const planned = (hash: string): Step[] =>
  planDeployment(installation, [
    { name: 'etl-watch', deploy: event, reachesSources: false, sha256: hash },
  ]).flatMap(({ steps }) => steps);

/*
 * A cloud behind programs called `gcloud` and `firebase` on the PATH. It knows the plan's own questions and keeps, in a file,
 * which of their answers have come true; a command that makes something makes the answer true.
 */
let folder: string;
let path: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deploy-'));
  path = process.env['PATH'];
  process.env['PATH'] = `${folder}${delimiter}${path}`;
  writeFileSync(join(folder, 'there.json'), '{}');
  writeFileSync(join(folder, 'calls'), '');
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true, force: true });
});

function cloudOf(steps: readonly Step[], failing = ''): void {
  const key = ({ args }: Command) => args.join('\u0000').replaceAll(/\$\{\w+\}/g, '4711');
  const knowledge = {
    checks: Object.fromEntries(
      steps.flatMap(({ id, check, want }) => (check ? [[key(check), { id, want: want ?? 'yes' }]] : [])),
    ),
    makes: Object.fromEntries(
      steps.flatMap(({ id, make, change = [], want }) =>
        [...make, ...change].map((command) => [key(command), { id, want: want ?? 'yes' }]),
      ),
    ),
    failing,
  };
  writeFileSync(join(folder, 'knowledge.json'), JSON.stringify(knowledge));
  const program = `#!${process.execPath}
const fs = require('node:fs');
const at = (name) => ${JSON.stringify(folder)} + '/' + name;
const { checks, makes, failing } = JSON.parse(fs.readFileSync(at('knowledge.json')));
const there = JSON.parse(fs.readFileSync(at('there.json')));
const key = process.argv.slice(2).join('\\u0000');
if (makes[key]) {
  fs.appendFileSync(at('calls'), makes[key].id + '\\n');
  if (failing !== '' && makes[key].id === failing) { console.error('ERROR: quota exceeded for ' + failing); process.exit(1); }
  there[makes[key].id] = makes[key].want;
  fs.writeFileSync(at('there.json'), JSON.stringify(there));
} else if (checks[key]) {
  const said = there[checks[key].id];
  if (said === undefined) { console.error('ERROR: NOT_FOUND: Resource not found.'); process.exit(1); }
  console.log(said);
} else console.log('4711');
`;
  for (const name of ['gcloud', 'firebase']) {
    writeFileSync(join(folder, name), program);
    chmodSync(join(folder, name), 0o755);
  }
}
const made = () => readFileSync(join(folder, 'calls'), 'utf8').split('\n').filter(Boolean);

async function applyAll(steps: readonly Step[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = { made: 0, changed: 0, there: 0 };
  for (const step of steps) {
    const came = await applyStep(step, runProcess);
    counts[came] = (counts[came] ?? 0) + 1;
  }
  return counts;
}
/** Steps that Firebase's own tool compares by itself. */
const UNCHECKED = 3;

test('applied to an empty project everything is made; applied again nothing is', async () => {
  const steps = planned('ab'.repeat(32)).filter((_, index) => index % 4 === 0 || index > 150);
  cloudOf(steps);
  const first = await applyAll(steps);
  expect(first).toMatchObject({ made: steps.length, there: 0 });
  writeFileSync(join(folder, 'calls'), '');
  const second = await applyAll(steps);
  expect(second['changed']).toBe(0);
  expect(made().every((id) => id.startsWith('firebase/'))).toBe(true);
  expect(second['there']).toBeGreaterThanOrEqual(steps.length - UNCHECKED);
}, 120_000);

test('a failure stops it, naming the command and what was said; the next time goes on from there', async () => {
  const steps = planned('ab'.repeat(32)).filter(({ id }) => /^(topics|functions|scheduler)\//.test(id));
  cloudOf(steps, 'topics/etl-requested');
  const failure = await applyAll(steps).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StepError);
  expect(String(failure)).toContain('quota exceeded');
  expect(String(failure)).toContain('gcloud pubsub topics create etl-requested');
  const before = made();
  expect(before).not.toContain('functions/etl-watch');

  cloudOf(steps);
  writeFileSync(join(folder, 'calls'), '');
  await applyAll(steps);
  // What was made before the failure is left alone.
  expect(made().filter((id) => before.includes(id))).toEqual(['topics/etl-requested']);
  expect(made()).toContain('functions/etl-watch');
}, 60_000);

test('another bundle is deployed, the same one is not', async () => {
  const of = (hash: string) => planned(hash).filter(({ id }) => id === 'functions/etl-watch');
  cloudOf(of('aa'.repeat(32)));
  expect(await applyAll(of('aa'.repeat(32)))).toMatchObject({ made: 1 });
  expect(await applyAll(of('aa'.repeat(32)))).toMatchObject({ there: 1 });
  cloudOf(of('bb'.repeat(32)));
  expect(await applyAll(of('bb'.repeat(32)))).toMatchObject({ changed: 1 });
});

test('a question that fails for another reason than absence is trouble: nothing is made on a guess', async () => {
  const step: Step = {
    id: 'x',
    what: 'x',
    check: { program: 'gcloud', args: ['describe'] },
    make: [{ program: 'gcloud', args: ['create'] }],
  };
  let ran = 0;
  const denied = () => Promise.resolve({ code: ran++, stdout: '', stderr: '' });
  ran = 1;
  await expect(applyStep(step, denied)).rejects.toThrow('gcloud describe');
  expect(ran).toBe(2);
});
