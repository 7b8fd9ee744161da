import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import { findEmulators } from './emulators.ts';
import {
  LOCATION,
  PIECES,
  PORT_NAMES,
  bucketOf,
  cloudEnvironment,
  machineEnvironment,
} from './environment.ts';
import type { PieceName, Ports } from './environment.ts';
import { startGuardian } from './guardian.ts';
import type { Guardian } from './guardian.ts';
import { planPiece } from './pieces.ts';
import { choosePorts } from './ports.ts';
import { applyTopology, planTopology, publish } from './pubsub-topology.ts';
import type { TriggeredFunction } from './pubsub-topology.ts';
import { closeStateFolder, openStateFolder, readRemembered, writeRemembered } from './state-folder.ts';
import { supervise } from './supervise.ts';
import type { PieceEvent, Supervised } from './supervise.ts';

/** How to start a local cloud; every value has a default but the folder of its state. */
export interface LocalCloudOptions {
  /** Everything that is kept lives here; made where missing. One cloud at a time. */
  readonly stateDir: string;
  /** Begin with empty state. */
  readonly reset?: boolean;
  readonly projectId?: string;
  /** Added to the environment of functions and containers, winning over its defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told when a piece is ready, crashes, or was started again. */
  readonly onProgress?: (event: PieceEvent) => void;
  /** False leaves out the functions host and hosting. */
  readonly functions?: boolean;
  /** Start only these pieces. */
  readonly only?: readonly PieceName[];
  /** Folder that holds functions/, firebase.json and firestore.rules; this repository by default. */
  readonly root?: string;
  /** Seconds between two `tick` messages; 20 by default, 0 for none. */
  readonly tickSeconds?: number;
  /** Deliveries before Pub/Sub itself dead-letters a message, 5 to 100; as deployed by default. */
  readonly maxDeliveries?: number;
}

/** A local cloud that is up. */
export interface LocalCloud {
  readonly projectId: string;
  readonly location: string;
  /** The environment of functions and containers; give it to any process that should use this cloud. */
  readonly env: Readonly<Record<string, string>>;
  readonly urls: {
    /** The web application, and the API below `/api`. */
    readonly web: string;
    /** `<functions>/<function name>/…` reaches one function. */
    readonly functions: string;
    /** `<services>/<service>/…` reaches a Cloud Run service. */
    readonly services: string;
  };
  readonly ports: Ports;
  /** Process ids of the pieces, by name. */
  pids(): Readonly<Record<string, number>>;
  /** Ends every process and resolves when the last one is gone. May be called again. */
  stop(): Promise<void>;
}

const DEFAULT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

const HostAnnouncement = z.object({
  functions: z.array(
    z.object({ name: z.string(), topic: z.string().nullable(), timeoutSeconds: z.number() }),
  ),
  broken: z.record(z.string(), z.string()),
});

/**
 * Starts Google Cloud's stand-ins on loopback ports, all at the same time, and resolves when every one is ready.
 * Pieces that crash are started again; if this process dies, so does everything it started.
 * @throws TerminalError when a piece cannot start (naming it and its log), when Java or an emulator is missing, or when
 * another cloud runs on the folder.
 */
export async function startLocalCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const guardian = startGuardian();
  try {
    await openStateFolder(options.stateDir, options.reset ?? false, guardian.pid);
  } catch (error) {
    await guardian.close();
    throw error;
  }
  return startPieces(options, guardian);
}

async function startPieces(options: LocalCloudOptions, guardian: Guardian): Promise<LocalCloud> {
  const stateDir = resolve(options.stateDir);
  const root = resolve(options.root ?? DEFAULT_ROOT);
  const project = options.projectId ?? 'demo-tradewind';
  const onProgress = options.onProgress ?? (() => undefined);
  const pieces = new Set(choosePieces(options));
  const running: Supervised[] = [];
  let ticking: NodeJS.Timeout | undefined;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopAll());

  async function stopAll(): Promise<void> {
    clearInterval(ticking);
    // What uses the others ends first, so that nothing fails for want of them.
    const users = new Set(['run', 'functions', 'hosting']);
    await Promise.all(running.filter(({ name }) => users.has(name)).map((piece) => piece.stop()));
    await Promise.all(running.filter(({ name }) => !users.has(name)).map((piece) => piece.stop()));
    await guardian.close();
    closeStateFolder(stateDir);
  }

  try {
    const emulators = await findEmulators();
    const remembered = readRemembered(stateDir);
    // Every name of PORT_NAMES gets a port.
    const ports = (await choosePorts(PORT_NAMES, remembered.ports)) as Ports;
    writeRemembered(stateDir, { ...remembered, ports });
    const machine = machineEnvironment(process.env, join(stateDir, 'compile-cache'));
    const cloud = {
      ...cloudEnvironment(project, ports, pieces, remembered.installationKey),
      // Made by the local Cloud Storage: client libraries sign URLs with it that it accepts.
      ...(pieces.has('storage') && {
        GOOGLE_APPLICATION_CREDENTIALS: join(stateDir, 'storage', '.service-account.json'),
      }),
      ...options.env,
    };
    const context = {
      stateDir,
      root,
      functions: join(root, 'functions'),
      project,
      ports,
      emulators,
      machine,
      cloud,
    };
    const at = (piece: PieceName | 'ingress'): string => `http://127.0.0.1:${ports[piece]}`;

    // Pub/Sub forgets everything when it restarts, and the functions may have changed when they do: either way the
    // topics and subscriptions are made again, once both are up.
    const up = { pubsub: false, triggered: pieces.has('functions') ? null : ([] as TriggeredFunction[]) };
    const connect = async (): Promise<void> => {
      if (!up.pubsub || up.triggered === null) return;
      const topology = planTopology(project, at('functions'), up.triggered, options.maxDeliveries);
      await applyTopology(project, at('pubsub'), topology);
    };
    const afterReady = async (
      name: PieceName,
      announced: Readonly<Record<string, unknown>>,
    ): Promise<void> => {
      if (name === 'pubsub') up.pubsub = true;
      if (name === 'functions') up.triggered = triggeredFunctions(announced, onProgress);
      if (name === 'pubsub' || name === 'functions') await connect();
      if (name === 'storage') await makeBucket(at('storage'), project);
    };

    const started = performance.now();
    const starting = [...pieces].map(async (name) => {
      const planned = planPiece(name, context);
      const piece = {
        ...planned,
        afterReady: (announced: Readonly<Record<string, unknown>>) => afterReady(name, announced),
      };
      running.push(await supervise(piece, guardian, onProgress));
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      onProgress({ piece: name, state: 'ready', detail: `${seconds} s` });
    });
    const failure = (await Promise.allSettled(starting)).find((one) => one.status === 'rejected');
    if (failure !== undefined) throw failure.reason;

    const tickSeconds = options.tickSeconds ?? 20;
    if (tickSeconds > 0 && pieces.has('pubsub') && pieces.has('functions'))
      ticking = setInterval(() => {
        // Missed while Pub/Sub restarts: the next one does.
        void publish(project, at('pubsub'), 'tick', {}).catch(() => undefined);
      }, tickSeconds * 1000).unref();

    return {
      projectId: project,
      location: LOCATION,
      env: cloud,
      urls: { web: at('hosting'), functions: at('functions'), services: at('ingress') },
      ports,
      pids: () => Object.fromEntries(running.map((piece) => [piece.name, piece.pid()])),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function choosePieces({ only, functions }: LocalCloudOptions): readonly PieceName[] {
  const wanted = only ?? PIECES;
  const unknown = wanted.filter((name) => !PIECES.includes(name));
  if (unknown.length > 0)
    throw new TerminalError('unknown-piece', `The local cloud has no piece ${unknown.join(', ')}.`, {
      remedy: `It has: ${PIECES.join(', ')}.`,
    });
  return functions === false ? wanted.filter((name) => name !== 'functions' && name !== 'hosting') : wanted;
}

function triggeredFunctions(
  announced: Readonly<Record<string, unknown>>,
  onProgress: (event: PieceEvent) => void,
): TriggeredFunction[] {
  const { functions, broken } = HostAnnouncement.parse(announced);
  for (const [name, reason] of Object.entries(broken))
    onProgress({ piece: 'functions', state: 'crashed', detail: `${name} cannot be loaded: ${reason}` });
  return functions.flatMap(({ name, topic, timeoutSeconds }) =>
    topic === null ? [] : [{ name, topic, timeoutSeconds }],
  );
}

async function makeBucket(origin: string, project: string): Promise<void> {
  const response = await fetch(`${origin}/storage/v1/b?project=${project}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucketOf(project), location: LOCATION }),
  });
  const answer = await response.text();
  if (!response.ok && response.status !== 409)
    throw new Error(`creating the bucket answered ${response.status}: ${answer}`);
}
