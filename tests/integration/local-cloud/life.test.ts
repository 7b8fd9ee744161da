import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { controlClients } from '#tests/control-clients';
import { eventually } from '#tests/eventually';
import { FIXTURE_ROOT, isRunning, readNotes, startFixtureCloud, temporaryFolder } from '#tests/fixture-cloud';

const MAIN = fileURLToPath(new URL('../../../scripts/local/main.ts', import.meta.url));
const folder = temporaryFolder();
const started: ChildProcess[] = [];

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  folder.forget();
});

/** The local cloud as somebody runs it by hand; resolves with the environment that it prints when it is up. */
async function startByHand(stateDir: string, ...args: string[]) {
  const child = spawn(
    process.execPath,
    [MAIN, '--state', stateDir, '--root', FIXTURE_ROOT, '--tick', '0', ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  started.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  await eventually('the cloud is up', () => {
    if (child.exitCode !== null) throw new Error(output);
    return output.includes('# web');
  });
  const env = Object.fromEntries(
    [...output.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name ?? '', value ?? '']),
  );
  return { child, env };
}

/** Every process of the machine whose environment or command line names `marker`. */
async function processesNaming(marker: string): Promise<string[]> {
  const ps = spawn('ps', ['axeww', '-o', 'pid=,stat=,command='], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  ps.stdout.on('data', (chunk) => (text += String(chunk)));
  await once(ps, 'close');
  return text.split('\n').filter((line) => line.includes(marker) && !/^\s*\d+\s+Z/.test(line));
}

async function signUp(
  env: Readonly<Record<string, string>>,
  method: 'signUp' | 'signInWithPassword',
): Promise<Response> {
  return fetch(
    `http://${env['FIREBASE_AUTH_EMULATOR_HOST']}/identitytoolkit.googleapis.com/v1/accounts:${method}?key=local`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ann@example.com', password: 'correct horse', returnSecureToken: true }),
    },
  );
}

async function document(env: Readonly<Record<string, string>>, method: 'PATCH' | 'GET'): Promise<unknown> {
  const url = `http://${env['FIRESTORE_EMULATOR_HOST']}/v1/projects/${env['GOOGLE_CLOUD_PROJECT']}/databases/(default)/documents/tenants/acme`;
  const response = await fetch(url, {
    method,
    headers: { authorization: 'Bearer owner', 'content-type': 'application/json' },
    ...(method === 'PATCH' ? { body: JSON.stringify({ fields: { name: { stringValue: 'Acme' } } }) } : {}),
  });
  return response.json();
}

test('after kill -9 of the parent nothing survives, a job and a service included; the next start finds its state', async () => {
  const stateDir = join(folder.path, 'killed');
  const notes = join(folder.path, 'killed-notes');
  const first = await startByHand(stateDir, '--only', 'firestore,pubsub,auth,run,functions,hosting');
  expect((await signUp(first.env, 'signUp')).status).toBe(200);
  await document(first.env, 'PATCH');
  const clients = controlClients(first.env);
  await clients.jobs.runJob({
    name: `${clients.parent}/jobs/work-runner`,
    overrides: {
      containerOverrides: [
        {
          env: [
            { name: 'HOW', value: 'never' },
            { name: 'NOTES', value: notes },
          ],
        },
      ],
    },
  });
  const [deployed] = await clients.services.createService({
    parent: clients.parent,
    serviceId: 'greeter',
    service: { template: { containers: [{ image: clients.image('work-greeter') }] } },
  });
  await deployed.promise();
  await eventually('the job runs', () => readNotes(notes).length > 0);
  await clients.close();
  expect((await processesNaming(stateDir)).length).toBeGreaterThan(8);

  first.child.kill('SIGKILL');
  await eventually('every process is gone', async () => (await processesNaming(stateDir)).length === 0, 10);

  const second = await startByHand(stateDir, '--only', 'firestore,auth');
  expect(second.env['FIRESTORE_EMULATOR_HOST']).toBe(first.env['FIRESTORE_EMULATOR_HOST']);
  expect(second.env['TRADEWIND_INSTALLATION_KEY']).toBe(first.env['TRADEWIND_INSTALLATION_KEY']);
  expect((await signUp(second.env, 'signInWithPassword')).status).toBe(200);
  expect(await document(second.env, 'GET')).toMatchObject({ fields: { name: { stringValue: 'Acme' } } });

  // One Ctrl-C ends it, and leaves nothing either.
  second.child.kill('SIGINT');
  expect(await once(second.child, 'exit')).toEqual([0, null]);
  expect(await processesNaming(stateDir)).toEqual([]);
}, 120_000);

test('--reset begins anew; a second cloud on the same folder, and a folder of somebody else, are refused', async () => {
  const stateDir = join(folder.path, 'again');
  const cloud = await startFixtureCloud({ stateDir, only: ['firestore'] });
  await document(cloud.env, 'PATCH');
  await expect(startFixtureCloud({ stateDir, only: ['firestore'] })).rejects.toMatchObject({
    code: 'state-in-use',
    message: `Process ${process.pid} runs a local cloud on ${stateDir}.`,
  });
  await cloud.stop();
  await cloud.stop(); // again: nothing happens

  const fresh = await startFixtureCloud({ stateDir, only: ['firestore'], reset: true });
  expect(await document(fresh.env, 'GET')).toMatchObject({ error: { status: 'NOT_FOUND' } });
  await fresh.stop();

  const theirs = join(folder.path, 'theirs');
  mkdirSync(theirs);
  writeFileSync(join(theirs, 'thesis.txt'), 'years of work');
  await expect(startFixtureCloud({ stateDir: theirs, only: ['run'], reset: true })).rejects.toMatchObject({
    code: 'state-not-ours',
  });
  expect(readFileSync(join(theirs, 'thesis.txt'), 'utf8')).toBe('years of work');
});

test('without Java the start ends with the command that installs it, and leaves nothing running', async () => {
  const root = join(folder.path, 'broken-rules');
  mkdirSync(join(root, 'functions'), { recursive: true });
  writeFileSync(join(root, 'firebase.json'), '{}');
  const stateDir = join(folder.path, 'broken');
  const java = { ...process.env };
  process.env['PATH'] = '/nowhere';
  process.env['JAVA_HOME'] = '/nowhere';
  try {
    await expect(startFixtureCloud({ stateDir, root, only: ['firestore'] })).rejects.toMatchObject({
      code: 'java-missing',
      remedy: expect.stringContaining('apt-get install openjdk-17-jre-headless'),
    });
  } finally {
    process.env = java;
  }
  expect(await processesNaming(stateDir)).toEqual([]);
});

test('a function that cannot be loaded is named; the others answer', async () => {
  const root = join(folder.path, 'one-broken');
  mkdirSync(join(root, 'functions', 'shop'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(root, 'functions', 'shop', 'api.fn.ts'),
    "export const deploy = { trigger: 'http' };\nexport const handler = (_: unknown, r: { end(t: string): void }) => r.end('fine');\n",
  );
  writeFileSync(
    join(root, 'functions', 'shop', 'bad.fn.ts'),
    "export const deploy = { trigger: 'never' };\n",
  );
  const seen: string[] = [];
  const cloud = await startFixtureCloud({
    stateDir: join(folder.path, 'one-broken-state'),
    root,
    only: ['functions', 'pubsub'],
    onProgress: ({ detail }) => seen.push(detail),
  });
  expect(await (await fetch(`${cloud.urls.functions}/shop-api`)).text()).toBe('fine');
  const broken = await fetch(`${cloud.urls.functions}/shop-bad`);
  expect([broken.status, await broken.text()]).toEqual([
    503,
    expect.stringContaining('shop-bad cannot be loaded'),
  ]);
  expect(seen).toContainEqual(expect.stringContaining('shop-bad cannot be loaded'));
  const pid = cloud.pids()['functions'] ?? 0;
  await cloud.stop();
  expect(isRunning(pid)).toBe(false);
});
