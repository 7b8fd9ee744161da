import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { BUNDLING, containerMain, FRAMEWORK, KERNELS, WORKER } from './bundling.ts';
import { type Deployable, listDeployables, readDeploy, ROOT } from './deployables.ts';
import { ensureKernels } from './kernels.ts';
import { ONNX_READER, placeOnnx } from './onnx-package.ts';

const FUNCTIONS = join(ROOT, 'functions');

interface Built {
  readonly name: string;
  readonly kind: string;
  readonly bytes: number;
  readonly importMilliseconds: number;
  readonly sha256: string;
}

const HELP = `npm run build [-- NAME …] [--report FILE] [--out FOLDER]

Bundles each function and container to one CommonJS file, <name>/index.js in FOLDER (dist/functions), and prints its size and how
long Node takes to import it. Names choose some; without names all are built.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean' }, report: { type: 'string' }, out: { type: 'string' } },
});
if (values.help === true) {
  console.log(HELP);
} else {
  const all = listDeployables();
  const unknown = positionals.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0) {
    console.error(
      `There is no deployable ${unknown.join(', ')}. There are: ${all.map((one) => one.name).join(', ')}.`,
    );
    process.exit(2);
  }
  const chosen = positionals.length === 0 ? all : all.filter((one) => positionals.includes(one.name));
  ensureKernels();
  const built: Built[] = [];
  for (const one of chosen) built.push(await bundle(one));
  print(built);
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(built, null, 2)}\n`);
}

async function bundle(deployable: Deployable): Promise<Built> {
  const folder = join(values.out ?? join(ROOT, 'dist', 'functions'), deployable.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const deploy = await readDeploy(deployable);
  const container = deploy.trigger === 'job' || deploy.trigger === 'service';
  const outfile = join(folder, 'index.js');
  const { metafile } = await build({
    metafile: true,
    stdin: {
      contents: container
        ? containerMain({ ...deployable, file: join(ROOT, deployable.file), kind: deploy.trigger }, FUNCTIONS)
        : functionMain(deployable),
      resolveDir: ROOT,
      loader: 'ts',
    },
    outfile,
    ...BUNDLING,
    minify: true,
    keepNames: true,
    legalComments: 'none',
  });
  if (join('functions', WORKER.starter) in metafile.inputs) await bundleWorker(folder);
  if (join('functions', KERNELS.reader) in metafile.inputs)
    copyFileSync(join(FUNCTIONS, KERNELS.source), join(folder, KERNELS.bundle));
  // Jobs train; a service only reads what was trained.
  if (deploy.trigger === 'job' && ONNX_READER in metafile.inputs) placeOnnx(ROOT, folder, { link: false });
  const manifest = {
    type: 'commonjs',
    main: 'index.js',
    ...(container ? {} : { dependencies: frameworkVersion() }),
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest)}\n`);
  const code = readFileSync(outfile);
  // Everything that is deployed: the bundle, what lies beside it, and what a container's image is built by.
  const hash = createHash('sha256');
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted())
    if (statSync(join(folder, file)).isFile()) hash.update(file).update(readFileSync(join(folder, file)));
  // Within the image itself, which is built already, it is not there.
  const dockerfile = join(ROOT, 'Dockerfile');
  if (container && existsSync(dockerfile)) hash.update(readFileSync(dockerfile));
  return {
    name: deployable.name,
    kind: deploy.trigger,
    bytes: code.byteLength,
    importMilliseconds: container ? Number.NaN : timeImport(outfile),
    sha256: hash.digest('hex'),
  };
}

async function bundleWorker(folder: string): Promise<void> {
  await build({
    entryPoints: [join(FUNCTIONS, WORKER.source)],
    outfile: join(folder, WORKER.bundle),
    ...BUNDLING,
    minify: true,
  });
}

/** The framework at the version the tests run with. */
function frameworkVersion(): Record<string, string> {
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return { [FRAMEWORK]: String(Object(Object(manifest).dependencies)[FRAMEWORK]) };
}

/** A function's main registers the handler under the deployable's name, as the Functions Framework wants it. */
function functionMain({ name, file }: Deployable): string {
  return `import * as framework from '${FRAMEWORK}';
import { limitBodies } from './functions/runtime/body-limit.ts';
import { deploy, handler } from './${file}';
limitBodies(import.meta.url);
if (deploy.trigger === 'http') framework.http(${JSON.stringify(name)}, handler);
else framework.cloudEvent(${JSON.stringify(name)}, handler);`;
}

/** Milliseconds a fresh Node takes to import the bundle: what a cold start pays. Median of three. */
function timeImport(file: string): number {
  const times = [1, 2, 3].map(() =>
    Number(
      execFileSync(
        process.execPath,
        [
          '-e',
          'const t=performance.now();require(process.argv[1]);console.log(performance.now()-t);process.exit()',
          file,
        ],
        { encoding: 'utf8' },
      ),
    ),
  );
  return Math.round(times.sort((a, b) => a - b)[1] ?? Number.NaN);
}

function print(built: readonly Built[]): void {
  const width = Math.max(...built.map((one) => one.name.length), 10);
  console.log(`${'deployable'.padEnd(width)}  kind     size MB  import ms`);
  for (const one of built) {
    const size = (one.bytes / 1e6).toFixed(2).padStart(7);
    const time = Number.isNaN(one.importMilliseconds) ? '–' : String(one.importMilliseconds);
    console.log(`${one.name.padEnd(width)}  ${one.kind.padEnd(7)}  ${size}  ${time.padStart(9)}`);
  }
}
