import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '#scripts/deployables';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bootstrap-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program on the PATH that notes how it was called and does what `body` says. */
function program(name: string, body: string): void {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> "${folder}/calls"\n${body}\n`);
  chmodSync(file, 0o755);
}
const calls = () => {
  try {
    return readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
};

interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
}

/** Runs the script as if on that machine, as root of a Debian, with none but our programs on the PATH. */
function start(machine: Machine): string {
  const preload = join(folder, 'machine.cjs');
  writeFileSync(
    preload,
    `const fs = require('node:fs');
const set = (name, value) => Object.defineProperty(process, name, { value });
set('platform', ${JSON.stringify(machine.platform)});
set('arch', ${JSON.stringify(machine.arch)});
set('versions', { ...process.versions, node: ${JSON.stringify(machine.node)} });
set('getuid', () => 0);
const { existsSync } = fs;
fs.existsSync = (file) => file === '/etc/debian_version' || existsSync(file);
require('node:module').syncBuiltinESMExports();
`,
  );
  const done = spawnSync(
    process.execPath,
    ['--require', preload, join(ROOT, 'scripts/bootstrap.mjs'), 'start'],
    {
      env: { PATH: `${folder}:/usr/bin:/bin`, HOME: folder },
      encoding: 'utf8',
    },
  );
  expect(done.status).toBe(1);
  return done.stderr;
}

test.each([
  ['darwin', 'arm64', '22.12.0'],
  ['linux', 'arm64', '20.1.0'],
  ['win32', 'x64', '23.0.0'],
])('on %s %s Node %s is refused before anything is installed', (platform, arch, node) => {
  for (const name of ['apt-get', 'npm', 'java']) program(name, 'exit 1');
  const said = start({ platform, arch, node });
  expect(said).toContain(`Tradewind runs on Node 24; this is Node ${node} on ${platform} ${arch}.`);
  expect(said).toContain('Install Node 24: https://nodejs.org');
  expect(calls()).toEqual([]);
});

test.each([
  ['has it', 'echo "Package: openjdk-17-jre-headless"', 'openjdk-17-jre-headless'],
  ['has not', 'echo "N: Unable to locate package" >&2; exit 100', 'default-jre-headless'],
])('a Debian without Java gets 17 where its archive %s, else its own default', (_, aptCache, expected) => {
  program('java', 'exit 127');
  program('apt-cache', aptCache);
  program('apt-get', '[ "$1" = update ]');
  const said = start({ platform: 'linux', arch: 'x64', node: '20.1.0' });
  expect(said).toContain(`apt-get install -y ${expected}`);
  expect(calls().filter((call) => call.startsWith('apt-get'))).toEqual([
    'apt-get update -qq',
    `apt-get install -y -qq --no-install-recommends ${expected}`,
  ]);
});
