import { execFile } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { TerminalError } from '#core/errors';

const run = promisify(execFile);

/** Where Google's emulators and the Java that runs them are on this machine. */
export interface Emulators {
  readonly java: string;
  readonly firestoreJar: string;
  readonly pubsubJar: string;
}

const INSTALL_EMULATORS =
  'Install them: `gcloud components install cloud-firestore-emulator pubsub-emulator` (or, with apt, ' +
  '`apt-get install google-cloud-cli-firestore-emulator google-cloud-cli-pubsub-emulator`), or without the Cloud SDK: ' +
  '`npx firebase setup:emulators:firestore && npx firebase setup:emulators:pubsub`.';

/**
 * Finds Java (17 or newer) and the emulators: in an installed Cloud SDK (`CLOUDSDK_ROOT_DIR`, the `gcloud` on the path,
 * the usual folders), else in the cache that firebase-tools fills.
 * @throws TerminalError `java-missing`, `java-too-old`, `emulators-missing`, each with the command that helps.
 */
export async function findEmulators(env: NodeJS.ProcessEnv = process.env): Promise<Emulators> {
  const java = await findJava(env);
  const firestoreJar = firestoreJars(env).find((file) => existsSync(file));
  const pubsubJar = pubsubJars(env).find((file) => existsSync(file));
  if (firestoreJar !== undefined && pubsubJar !== undefined) return { java, firestoreJar, pubsubJar };
  const missing = [firestoreJar === undefined && 'Firestore', pubsubJar === undefined && 'Pub/Sub'].filter(
    Boolean,
  );
  throw new TerminalError(
    'emulators-missing',
    `Google's emulator of ${missing.join(' and ')} was found neither in a Cloud SDK (${sdkFolders(env).join(', ')}) nor in ${firebaseCache()}.`,
    { remedy: INSTALL_EMULATORS },
  );
}

async function findJava(env: NodeJS.ProcessEnv): Promise<string> {
  const home = env['JAVA_HOME'];
  const java =
    home !== undefined && existsSync(join(home, 'bin', 'java')) ? join(home, 'bin', 'java') : 'java';
  const remedy =
    'Install Java 17 or newer: `apt-get install openjdk-17-jre-headless` on Debian and Ubuntu, `brew install openjdk` on macOS.';
  const text = await run(java, ['-version'], { env }).then(
    ({ stdout, stderr }) => stdout + stderr,
    (cause: unknown) => {
      throw new TerminalError(
        'java-missing',
        `Java is needed by Google's emulators; \`${java} -version\` failed.`,
        { remedy, cause },
      );
    },
  );
  const major = javaMajor(text);
  if (major !== null && major >= 17) return java;
  throw new TerminalError(
    'java-too-old',
    `Java 17 or newer is needed; \`${java}\` is ${text.split('\n')[0] ?? 'unknown'}.`,
    { remedy },
  );
}

/** The major version in the output of `java -version`: 17 of `openjdk version "17.0.15"`, 8 of `"1.8.0_392"`. */
export function javaMajor(text: string): number | null {
  const found = /version "(?:1\.)?(\d+)/.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

function sdkFolders(env: NodeJS.ProcessEnv): string[] {
  const onPath = (env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'gcloud'))
    .filter((file) => existsSync(file))
    .map((file) => join(dirname(realpathSync(file)), '..'));
  const named = env['CLOUDSDK_ROOT_DIR'];
  const usual = [
    '/usr/lib/google-cloud-sdk',
    '/opt/google-cloud-sdk',
    '/snap/google-cloud-cli/current',
    join(homedir(), 'google-cloud-sdk'),
    '/opt/homebrew/share/google-cloud-sdk',
    '/usr/local/share/google-cloud-sdk',
  ];
  return [...new Set([...(named === undefined ? [] : [named]), ...onPath, ...usual])].filter((folder) =>
    existsSync(folder),
  );
}

function firebaseCache(): string {
  return join(homedir(), '.cache', 'firebase', 'emulators');
}

function firestoreJars(env: NodeJS.ProcessEnv): string[] {
  const ofSdk = sdkFolders(env).map((sdk) =>
    join(sdk, 'platform', 'cloud-firestore-emulator', 'cloud-firestore-emulator.jar'),
  );
  return [...ofSdk, ...filesIn(firebaseCache(), /^cloud-firestore-emulator-v[\d.]+\.jar$/)];
}

function pubsubJars(env: NodeJS.ProcessEnv): string[] {
  const ofSdk = sdkFolders(env).flatMap((sdk) =>
    filesIn(join(sdk, 'platform', 'pubsub-emulator', 'lib'), /^cloud-pubsub-emulator-.*\.jar$/),
  );
  const cached = filesIn(firebaseCache(), /^pubsub-emulator/).flatMap((folder) =>
    filesIn(join(folder, 'pubsub-emulator', 'lib'), /^cloud-pubsub-emulator-.*\.jar$/),
  );
  return [...ofSdk, ...cached];
}

/** Newest name first, so that of two versions the later one is taken. */
function filesIn(folder: string, name: RegExp): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((entry) => name.test(entry))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((entry) => join(folder, entry));
}
