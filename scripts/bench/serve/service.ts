import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openFiles } from '#cloud/storage';
import { openWarehouse } from '#cloud/bigquery';
import { RecommenderEnv, toEnvironment } from '#core/container-env';
import { ApiKey } from '#core/api-key';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import type { LocalCloud } from '#scripts/local/cloud';
import { hashOfToken, makeKeyToken } from '#store/api-keys';
import { openDatabase } from '#cloud/firestore';
import { ROOT } from '../../deployables.ts';
import { onCore } from './cores.ts';
import { machineEnvironment } from '../../local/environment.ts';
import { openImages } from '../../local/control-plane/images.ts';

/** A recommender in a process of its own, as deployed: its bundle, its environment, the local cloud behind it. */
export interface Service {
  readonly url: string;
  /** An API key that may recommend. */
  readonly key: string;
  /** From the start of the process to its first healthy answer. */
  readonly readySeconds: number;
  readonly pid: number;
  /** Resident memory in MiB: the most so far, and what is not a file's or shared. */
  memory(): { readonly peak: number; readonly now: number };
  /** Seconds of CPU so far, all threads. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

const LOGS = 'bench_serve_logs';

/**
 * Puts `artifact` into the bucket of the local cloud and starts a recommender over it, all of whose threads share the
 * processor `core`, or any where null; images are kept in `stateDir`.
 */
export async function startService(
  artifact: Uint8Array,
  { env, projectId, location }: LocalCloud,
  stateDir: string,
  core: number | null,
): Promise<Service> {
  const id = (prefix: string) => `${prefix}${randomBytes(6).toString('hex')}`;
  const [tenant, model] = [id('t'), id('m')];
  const bucket = env['TRADEWIND_BUCKET'] ?? '';
  const key = await writeKey(projectId, { projectId, location, bucket, datasetPrefix: 'tw_' }, tenant);
  const uri = `gs://${bucket}/${tenant}/bench/model.twa`;
  await openFiles(projectId).save(uri, artifact, 'application/octet-stream');
  const endpoints = { bigquery: env['BIGQUERY_ENDPOINT'] };
  await openWarehouse({ projectId, location, endpoints }).ensureDataset(LOGS);
  const settings = RecommenderEnv.parse({
    TRADEWIND_TENANT: tenant,
    TRADEWIND_MODEL: model,
    TRADEWIND_VERSION: 'vbench',
    TRADEWIND_DEPLOYMENT: 'dbench',
    TRADEWIND_ARTIFACT: uri,
    TRADEWIND_ARTIFACT_SHA256: createHash('sha256').update(artifact).digest('hex'),
    TRADEWIND_DATA_PROJECT: projectId,
    TRADEWIND_DATA_LOCATION: location,
    TRADEWIND_LOGS_DATASET: LOGS,
    TRADEWIND_VERIFY_KEY: randomBytes(32).toString('base64'),
  });
  const main = openImages(join(ROOT, 'functions'), join(stateDir, 'images')).mainOf(
    `${env['TRADEWIND_IMAGES']}/deployments-recommender`,
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const began = performance.now();
  const [command, parameters] = onCore(core, [process.execPath, main]);
  const child = spawn(command, parameters, {
    env: {
      ...machineEnvironment(process.env, join(stateDir, 'compile-cache')),
      ...env,
      ...toEnvironment(settings),
      PORT: String(port),
      HOST: '127.0.0.1',
      K_REVISION: 'bench',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilReady(child, url);
  const readySeconds = (performance.now() - began) / 1000;
  const pid = child.pid ?? 0;
  const ofStatus = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) /
    1024;
  return {
    url,
    key,
    readySeconds,
    pid,
    memory: () => ({ peak: ofStatus('VmHWM'), now: ofStatus('VmRSS') }),
    cpuSeconds: () => {
      const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
        .slice(11, 13)
        .map(Number);
      return (user + system) / 100;
    },
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** A tenant with an API key that may recommend, as functions would write them. @returns the token */
async function writeKey(projectId: string, cloud: Tenant['cloud'], tenant: string): Promise<string> {
  const at = new Date().toISOString();
  const key = `k${randomBytes(6).toString('hex')}`;
  const { token, prefix } = makeKeyToken(key, (n) => randomBytes(n));
  const over = { expiresAt: null, revokedAt: null, lastUsedAt: at, replacedBy: null };
  const made = { id: key, name: 'bench', scopes: ['recommend'], model: null, createdBy: 'bench', prefix };
  const db = openDatabase(projectId);
  await db.commit([
    {
      kind: 'set',
      path: paths.tenant(tenant),
      data: Tenant.parse({
        id: tenant,
        name: 'Bench',
        plan: 'standard',
        status: 'active',
        cloud,
        createdAt: at,
        updatedAt: at,
        deletedAt: null,
      }),
    },
    {
      kind: 'set',
      path: paths.apiKey(tenant, key),
      data: ApiKey.parse({ ...made, ...over, createdAt: at }),
    },
    { kind: 'set', path: paths.keyHash(hashOfToken(token)), data: { tenant, key } },
  ]);
  await db.close();
  return token;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the recommender ended with the code ${child.exitCode}`);
    const well = await fetch(`${url}/v1/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (well) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
