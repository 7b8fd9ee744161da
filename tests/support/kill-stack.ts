/*
 * The real stack with a platform that kills: Google's emulators and the local Cloud Run, Vertex AI, BigQuery and Storage,
 * and in the place of the functions host this: each delivery of a message is a process of its own, which is ended by
 * SIGKILL at the write that a plan names, and delivered again.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { z } from 'zod';
import { DEAD_LETTER_TOPIC, EVENTS } from '#core/events';
import { BUNDLING } from '#scripts/bundling';
import { listDeployables, readDeploy, ROOT } from '#scripts/deployables';
import { type LocalCloud, startLocalCloud } from '#scripts/local/cloud';

const PRELOAD = join(import.meta.dirname, 'kill-points.ts');
const DRIVER = join(import.meta.dirname, 'kill-function.ts');
/** How far all clocks go ahead when somebody was killed: what it held has run out then. */
const AHEAD_MS = 31_000;

/** An event function, bundled: `file` is loaded in a fifth of the time that its sources take. */
interface Listener {
  readonly name: string;
  readonly file: string;
  readonly topic: string;
}

const Pulled = z.object({
  receivedMessages: z
    .array(
      z.object({
        ackId: z.string(),
        message: z.object({
          data: z.string().default(''),
          messageId: z.string(),
          publishTime: z.string(),
          attributes: z.record(z.string(), z.string()).default({}),
        }),
      }),
    )
    .default([]),
});

export interface KillStack {
  readonly cloud: LocalCloud;
  /** Kills so far: who, before or after which write. */
  readonly kills: () => string[];
  /** Processes that came to their own end: who, after how many writes, with which code. */
  readonly ends: () => { readonly name: string; readonly writes: number }[];
  /** Sets the points at which a container's processes are killed, one after the other. */
  readonly planContainer: (tenant: string, name: string, points: readonly number[]) => void;
  /**
   * Delivers every message that waits, each in a process of its own.
   * @param pointOf where the process that a function's message gets is to be killed; 0: nowhere
   * @param ended told of each process: whether it came to its own end
   * @returns how many there were
   */
  readonly deliver: (
    pointOf: (name: string, message: string) => number,
    ended?: (name: string, survived: boolean) => void,
  ) => Promise<number>;
  /** What all clocks say now, in milliseconds since 1970. */
  readonly clock: () => number;
  readonly publish: (topic: keyof typeof EVENTS, payload: object) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts it, with the event functions of these capabilities and of the control plane's outbox. */
export async function startKillStack(capabilities: readonly string[]): Promise<KillStack> {
  const folder = mkdtempSync(join(tmpdir(), 'tradewind-kills-'));
  mkdirSync(join(folder, 'points'));
  const cloud = await startLocalCloud({
    stateDir: join(folder, 'cloud'),
    only: ['firestore', 'pubsub', 'storage', 'bigquery', 'run'],
    tickSeconds: 0,
    env: { KILL_FOLDER: folder, NODE_OPTIONS: `--import=${PRELOAD} --no-warnings` },
  });
  const listeners = await bundle(await listenersOf(capabilities), join(folder, 'functions'));
  const pubsub = async (path: string, method: string, body: object): Promise<unknown> => {
    const at = `http://${cloud.env['PUBSUB_EMULATOR_HOST']}/v1/projects/${cloud.projectId}/${path}`;
    const response = await fetch(at, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok && response.status !== 409)
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  for (const topic of [...Object.keys(EVENTS), DEAD_LETTER_TOPIC]) await pubsub(`topics/${topic}`, 'PUT', {});
  for (const { name, topic } of listeners)
    await pubsub(`subscriptions/${name}`, 'PUT', {
      topic: `projects/${cloud.projectId}/topics/${topic}`,
      ackDeadlineSeconds: 600,
    });
  const lines = (file: string) =>
    existsSync(join(folder, file))
      ? readFileSync(join(folder, file), 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
  const kills = () => lines('kills');
  const cache = { NODE_COMPILE_CACHE: join(folder, 'compile-cache') };
  let ahead = 0;

  const deliverTo = async (
    { name, file }: Listener,
    pointOf: (name: string, message: string) => number,
    ended: (name: string, survived: boolean) => void,
  ): Promise<number> => {
    const { receivedMessages } = Pulled.parse(
      await pubsub(`subscriptions/${name}:pull`, 'POST', { maxMessages: 10, returnImmediately: true }),
    );
    for (const { ackId, message } of receivedMessages) {
      const event = {
        id: message.messageId,
        type: 'google.cloud.pubsub.topic.v1.messagePublished',
        data: { message },
      };
      const point = String(pointOf(name, message.messageId));
      const env = { ...process.env, ...cloud.env, ...cache, KILL_NAME: name, KILL_POINT: point };
      const code = await runFunction(file, event, env);
      ended(name, code < 128);
      const done = code === 0;
      if (done) await pubsub(`subscriptions/${name}:acknowledge`, 'POST', { ackIds: [ackId] });
      else
        await pubsub(`subscriptions/${name}:modifyAckDeadline`, 'POST', {
          ackIds: [ackId],
          ackDeadlineSeconds: 0,
        });
    }
    return receivedMessages.length;
  };
  let known = 0;
  return {
    cloud,
    kills,
    ends: () =>
      lines('ends').map((line) => {
        const [name = '', writes] = line.split(' ');
        return { name, writes: Number(writes) };
      }),
    planContainer: (tenant, name, points) =>
      writeFileSync(join(folder, 'points', `${tenant}-${name}.json`), JSON.stringify(points)),
    clock: () => Date.now() + ahead,
    async deliver(pointOf, ended = () => undefined) {
      // Several at a time, as the platform would; not more than there are processors for.
      const waiting = [...listeners];
      let delivered = 0;
      const lane = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
          delivered += await deliverTo(next, pointOf, ended);
      };
      await Promise.all([lane(), lane()]);
      const dead = kills().length;
      if (dead > known) {
        known = dead;
        ahead += AHEAD_MS;
        writeFileSync(join(folder, 'ahead'), String(ahead));
      }
      return delivered;
    },
    publish: async (topic, payload) => {
      const data = Buffer.from(JSON.stringify(payload)).toString('base64');
      await pubsub(`topics/${topic}:publish`, 'POST', { messages: [{ data }] });
    },
    async close() {
      await cloud.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function listenersOf(capabilities: readonly string[]): Promise<Listener[]> {
  const wanted = listDeployables().filter(
    ({ name, file }) =>
      name === 'control-plane-outbox' || capabilities.some((one) => file.startsWith(`functions/${one}/`)),
  );
  const listeners: Listener[] = [];
  for (const deployable of wanted) {
    if (deployable.file.endsWith('/api.fn.ts') || !deployable.file.endsWith('.fn.ts')) continue;
    const deploy = await readDeploy(deployable);
    if (deploy.trigger === 'event') listeners.push({ ...deployable, topic: deploy.topic });
  }
  return listeners;
}

/** Bundles the functions as a deployment does: what is measured in kills should not be spent on reading sources. */
async function bundle(listeners: readonly Listener[], folder: string): Promise<Listener[]> {
  await build({
    entryPoints: Object.fromEntries(listeners.map(({ name, file }) => [name, join(ROOT, file)])),
    outdir: folder,
    ...BUNDLING,
  });
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  return listeners.map((one) => ({ ...one, file: join(folder, `${one.name}.js`) }));
}

function runFunction(file: string, event: object, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [DRIVER, file], { env, stdio: ['pipe', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 137));
    child.stdin.end(JSON.stringify(event));
  });
}
