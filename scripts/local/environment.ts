/** The pieces of the local cloud, by the names people see. */
export const PIECES = [
  'firestore',
  'pubsub',
  'auth',
  'storage',
  'bigquery',
  'run',
  'functions',
  'hosting',
] as const;
export type PieceName = (typeof PIECES)[number];

/** The addresses that need a port: one per piece, and the front of the services that Cloud Run runs. */
export const PORT_NAMES = [...PIECES, 'ingress'] as const;
export type Ports = Readonly<Record<(typeof PORT_NAMES)[number], number>>;

/** Region of everything that has one. */
export const LOCATION = 'europe-west1';

/** The bucket of artifacts and uploads of a local project. */
export function bucketOf(project: string): string {
  return `${project}-tradewind`;
}

/** The environment in which functions and containers find everything: the same names as when deployed. */
export function cloudEnvironment(
  project: string,
  ports: Ports,
  pieces: ReadonlySet<PieceName>,
  installationKey: string,
): Record<string, string> {
  const at = (piece: PieceName, name: string, prefix = ''): Record<string, string> =>
    pieces.has(piece) ? { [name]: `${prefix}127.0.0.1:${ports[piece]}` } : {};
  return {
    GOOGLE_CLOUD_PROJECT: project,
    TRADEWIND_LOCATION: LOCATION,
    TRADEWIND_BUCKET: bucketOf(project),
    TRADEWIND_IMAGES: `${LOCATION}-docker.pkg.dev/${project}/tradewind`,
    TRADEWIND_INSTALLATION_KEY: installationKey,
    TRADEWIND_ALLOWED_HOSTS: '',
    METADATA_SERVER_DETECTION: 'none',
    ...at('firestore', 'FIRESTORE_EMULATOR_HOST'),
    ...at('pubsub', 'PUBSUB_EMULATOR_HOST'),
    ...at('auth', 'FIREBASE_AUTH_EMULATOR_HOST'),
    ...at('storage', 'STORAGE_EMULATOR_HOST', 'http://'),
    ...at('bigquery', 'BIGQUERY_ENDPOINT', 'http://'),
    // There is no Cloud SQL here: its address is of somebody who knows the accounts and no instance, so that nobody asks Google.
    ...at('bigquery', 'CLOUDSQL_ENDPOINT', 'http://'),
    ...at('run', 'RUN_ENDPOINT', 'http://'),
    ...at('run', 'AIPLATFORM_ENDPOINT', 'http://'),
    ...at('run', 'SCHEDULER_ENDPOINT', 'http://'),
    ...at('hosting', 'TRADEWIND_WEB_ORIGINS', 'http://'),
  };
}

/**
 * What a process gets of the machine it runs on: enough to find programs, and nothing that could lead a client library to
 * a real cloud (credentials, projects, proxies).
 */
export function machineEnvironment(env: NodeJS.ProcessEnv, compileCache: string): Record<string, string> {
  const names = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'JAVA_HOME', 'SystemRoot'];
  const kept = names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  // Compiled modules are kept between starts: the second one saves about a third of the import time.
  return { ...Object.fromEntries(kept), NODE_COMPILE_CACHE: compileCache };
}
