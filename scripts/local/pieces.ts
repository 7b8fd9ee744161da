import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Emulators } from './emulators.ts';
import type { PieceName, Ports } from './environment.ts';
import type { Piece } from './supervise.ts';

/** What the commands of the pieces are made of. */
export interface PieceContext {
  readonly stateDir: string;
  /** Folder of firebase.json and firestore.rules. */
  readonly root: string;
  /** Folder of the deployables. */
  readonly functions: string;
  readonly project: string;
  readonly ports: Ports;
  readonly emulators: Emulators;
  /** Environment of the machine, for pieces that run none of our code. */
  readonly machine: Readonly<Record<string, string>>;
  /** Environment of functions and containers. */
  readonly cloud: Readonly<Record<string, string>>;
}

const JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** How `name` is started. A pure plan: nothing runs yet. */
export function planPiece(name: PieceName, context: PieceContext): Piece {
  const { stateDir, root, functions, project, ports, emulators } = context;
  const dir = join(stateDir, name);
  const ours = { ...context.machine, ...context.cloud };
  const rules = join(root, 'firestore.rules');
  const piece = (own: Pick<Piece, 'command' | 'args'> & Partial<Piece>): Piece => ({
    name,
    env: context.machine,
    logFile: join(stateDir, 'logs', `${name}.log`),
    ready: 'announced',
    endBy: 'SIGTERM',
    graceMs: 5_000,
    ...own,
  });
  const node = (
    folder: string,
    args: Readonly<Record<string, string | number>>,
    own: Partial<Piece> = {},
  ): Piece =>
    piece({
      command: process.execPath,
      args: [
        join(HERE, folder, 'main.ts'),
        ...Object.entries({ port: ports[name], ...args }).flatMap(([key, value]) => [
          `--${key}`,
          String(value),
        ]),
      ],
      ...own,
    });

  const plans: Readonly<Record<PieceName, () => Piece>> = {
    firestore: () =>
      node(
        'firestore',
        {
          java: emulators.java,
          jar: emulators.firestoreJar,
          dir,
          project,
          rules: existsSync(rules) ? rules : '',
        },
        { graceMs: 30_000 }, // it writes everything it holds
      ),
    pubsub: () =>
      piece({
        command: emulators.java,
        args: [...JVM, '-jar', emulators.pubsubJar, '--host=127.0.0.1', `--port=${ports.pubsub}`],
        ready: { url: `http://127.0.0.1:${ports.pubsub}/` },
        graceMs: 500, // it keeps nothing
      }),
    auth: () => node('auth', { dir, project }),
    storage: () => node('storage', { dir, project }, { endBy: 'stdin' }),
    bigquery: () =>
      node('bigquery', { dir, project, 'storage-dir': join(stateDir, 'storage') }, { endBy: 'stdin' }),
    run: () =>
      node(
        'control-plane',
        { dir, ingress: ports.ingress, functions, logs: join(stateDir, 'logs') },
        { env: ours },
      ),
    functions: () => node('functions-host', { functions, project }, { env: ours }),
    hosting: () =>
      node('hosting', {
        root,
        functions: ports.functions,
        ingress: ports.ingress,
        project,
        auth: ports.auth,
        firestore: ports.firestore,
        storage: ports.storage,
      }),
  };
  return plans[name]();
}
