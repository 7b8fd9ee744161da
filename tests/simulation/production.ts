/*
 * The production code as one function of its surroundings: bundled from its sources, with the modules that reach outside
 * put in place by those in edges/, and with time, randomness and the process's environment as parameters. A mutant is the
 * same bundle with one place of one source changed.
 */
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { compileFunction } from 'node:vm';
import { build, type Plugin } from 'esbuild';
import { ROOT } from '#scripts/deployables';
import type { Program } from './cloud/jobs.ts';
import type { Subscriber } from './cloud/messages.ts';
import type { Edge } from './edge.ts';
import type { Errors } from './kernel.ts';
import type * as Operations from './operations.ts';
import { type Surroundings, surroundings } from './surroundings.ts';

/** A change of one source file. `find` must occur exactly once. */
export interface SourceChange {
  /** Below the project's folder. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The production code, ready to be used by whichever world is `entered`. */
export interface Production {
  readonly errors: Errors;
  readonly subscribers: readonly Subscriber[];
  readonly programs: Readonly<Record<string, Program>>;
  readonly operations: typeof Operations;
  /** From now on the code is in this world. */
  readonly enter: (edge: Edge, around: Surroundings) => void;
}

/** What a bundled entry file exports. */
interface Entry {
  readonly deploy: { readonly topic: string; readonly timeoutSeconds: number };
  readonly handler: (event: unknown) => unknown;
}

/** The capabilities whose event functions run in the worlds; what others hear of the same topics they do not hear. */
const FUNCTIONS = 'functions/{etl,pipelines,deployments}/*.fn.ts';
const OUTBOX = 'functions/control-plane/outbox.fn.ts';
const JOBS = {
  'etl-runner': 'functions/etl/runner.job.ts',
  'pipelines-trainer': 'functions/pipelines/trainer.job.ts',
};
const HERE = import.meta.dirname;
const EDGES = join(HERE, 'edges');

/** Modules that reach outside, with what is in their place. */
const REPLACED: readonly (readonly [specifier: RegExp, edge: string])[] = [
  [/^#cloud\/(firestore|pubsub|storage|bigquery|auth)$/, '$1'],
  [/^\.\/endpoint\.ts$/, 'endpoint'],
  [/^@google-cloud\/run$/, 'google-run'],
  [/^@google-cloud\/aiplatform\/.*/, 'google-vertex'],
  [/^node:crypto$/, 'crypto'],
  [/^node:timers\/promises$/, 'timers'],
  [/^#recommender\/.*/, 'recommender'],
  [/^\.\/(open-epoch|extract-units|publish)\.ts$/, '$1'],
];

/** Bundles and loads the production code, with the changes of a mutant. @throws Error where a change does not apply. */
export async function loadProduction(changes: readonly SourceChange[] = []): Promise<Production> {
  const functions = [...globSync(FUNCTIONS, { cwd: ROOT }), OUTBOX]
    .filter((file) => basename(file) !== 'api.fn.ts')
    .sort();
  const applied = new Set<SourceChange>();
  const { outputFiles } = await build({
    stdin: { contents: entryOf(functions), resolveDir: ROOT, sourcefile: 'entry.ts', loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    packages: 'external',
    logLevel: 'silent',
    plugins: [edges(), mutate(changes, applied)],
  });
  const missed = changes.filter((change) => !applied.has(change));
  if (missed.length > 0) throw new Error(`not part of what is simulated: ${missed[0]?.file ?? ''}`);
  return load(outputFiles[0]?.text ?? '', functions);
}

function entryOf(functions: readonly string[]): string {
  const entries = [...functions, ...Object.values(JOBS)];
  return [
    ...entries.map((file, index) => `export * as entry${index} from './${file}';`),
    `export * as operations from './${relative(ROOT, join(HERE, 'operations.ts'))}';`,
    `export { TransientError, TerminalError } from '#core/errors';`,
    `export { ConflictError } from '#cloud/firestore';`,
    `export { runJob } from '#runtime/job';`,
  ].join('\n');
}

function edges(): Plugin {
  return {
    name: 'edges',
    setup(builder) {
      for (const [filter, edge] of REPLACED)
        builder.onResolve({ filter }, ({ path, importer }) => {
          // The edges themselves stand on the real modules.
          if (importer.startsWith(EDGES)) return undefined;
          return { path: join(EDGES, `${path.replace(filter, edge)}.ts`) };
        });
    },
  };
}

function mutate(changes: readonly SourceChange[], applied: Set<SourceChange>): Plugin {
  return {
    name: 'mutate',
    setup(builder) {
      builder.onLoad({ filter: /functions\/.*\.ts$/ }, ({ path }) => {
        const wanted = changes.filter(({ file }) => path === join(ROOT, file));
        if (wanted.length === 0) return undefined;
        let contents = readFileSync(path, 'utf8');
        for (const change of wanted) {
          const parts = contents.split(change.find);
          if (parts.length !== 2)
            throw new Error(`${change.file} has ${parts.length - 1} places like "${change.find}", not one`);
          contents = parts.join(change.replace);
          applied.add(change);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}

function load(code: string, functions: readonly string[]): Production {
  let edge: Edge | undefined;
  let around: Surroundings | undefined;
  const inWorld = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('no world was entered');
    return value;
  };
  const params = surroundings(() => inWorld(around));
  const simulation = new Proxy({}, { get: (_, name) => Reflect.get(inWorld(edge), name) });
  const module = { exports: {} };
  compileFunction(code, ['module', 'exports', 'require', 'simulation', ...Object.keys(params)])(
    module,
    module.exports,
    createRequire(join(ROOT, 'package.json')),
    simulation,
    ...Object.values(params),
  );
  // The exports are those that entryOf lists.
  const exported = module.exports as Record<string, Entry> &
    Errors & {
      operations: typeof Operations;
      runJob: (name: string, handler: unknown, signal: AbortSignal) => Promise<number>;
    };
  const entry = (index: number) => exported[`entry${index}`] as Entry;
  return {
    errors: exported,
    operations: exported.operations,
    subscribers: functions.map((file, index) => {
      const { deploy, handler } = entry(index);
      const name = `${basename(dirname(file))}-${basename(file).split('.')[0]}`;
      return { name, topic: deploy.topic, timeoutSeconds: deploy.timeoutSeconds, handler };
    }),
    programs: Object.fromEntries(
      Object.keys(JOBS).map((name, index) => [
        name,
        (signal) => exported.runJob(name, entry(functions.length + index).handler, signal),
      ]),
    ),
    enter(newEdge, newSurroundings) {
      edge = newEdge;
      around = newSurroundings;
    },
  };
}
