import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { listDeployables, ROOT } from '#scripts/deployables';

const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'image-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the first stage copies: exactly that is there to build from. */
function assembleContext(to: string): void {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)].flatMap(([, from = '']) =>
    from.split(' '),
  );
  expect(copied).toEqual(
    expect.arrayContaining(['package.json', 'package-lock.json', 'functions', 'scripts']),
  );
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8');
  for (const name of copied) {
    expect(ignored).toMatch(new RegExp(`^!${name.replaceAll('.', '\\.')}(/\\*\\*)?$`, 'm'));
    cpSync(join(ROOT, name), join(to, name), { recursive: true });
  }
  // What `npm install` makes in the image.
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'));
}

test('the one Dockerfile’s steps make a container that starts, from nothing but what they copy', () => {
  const context = join(folder, 'src');
  const app = join(folder, 'app');
  mkdirSync(context);
  assembleContext(context);
  const build = /node scripts\/build\.ts "\$ENTRY" --out \/out/.test(dockerfile);
  expect(build).toBe(true);
  const containers = listDeployables().filter(({ file }) => /\.(job|service)\.ts$/.test(file));
  expect(containers.map(({ name }) => name).sort()).toEqual([
    'deployments-recommender',
    'etl-runner',
    'pipelines-trainer',
  ]);
  for (const { name } of containers) {
    execFileSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', 'scripts/build.ts', name, '--out', join(folder, 'out')],
      {
        cwd: context,
      },
    );
    cpSync(join(folder, 'out', name), join(app, name), { recursive: true });
  }
  rmSync(context, { recursive: true });
  for (const { name } of containers) {
    // Nothing beside the bundle: an image has no node_modules.
    const ran = spawnSync(process.execPath, ['index.js'], {
      cwd: join(app, name),
      encoding: 'utf8',
      env: {},
      timeout: 30_000,
    });
    expect(ran.stdout + ran.stderr).toMatch(/GOOGLE_CLOUD_PROJECT/);
    expect(ran.stdout + ran.stderr).not.toMatch(/Cannot find module|MODULE_NOT_FOUND/);
    expect(ran.status).not.toBe(0);
  }
  for (const name of ['worker.js', 'kernels.wasm'])
    expect(existsSync(join(app, 'pipelines-trainer', name))).toBe(true);
}, 120_000);

test('images run as nobody special, on the Node that functions run on', () => {
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile.match(/^FROM node:24-/gm)).toHaveLength(2);
});

test('workflows run nothing that can change under them, and may do no more than they need', () => {
  const files = globSync('.github/workflows/*.yml', { cwd: ROOT });
  expect(files).not.toEqual([]);
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const used = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action ?? '');
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(text).not.toMatch(/secrets\.|write-all|pull_request_target/);
    // Values from outside never become part of a shell's text.
    expect(text.match(/run: .*\$\{\{/g)).toBeNull();
    expect(dirname(file)).toBe('.github/workflows');
  }
});
