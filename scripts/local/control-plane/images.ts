import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { BUNDLING, containerMain, KERNELS, WORKER } from '../../bundling.ts';
import { ONNX_READER, placeOnnx } from '../../onnx-package.ts';
import { type Deployable, deployableOfImage, listDeployables } from '../deployables.ts';
import { replaceFile } from '../state-folder.ts';

/** The images of the installation's containers. */
export interface Images {
  /** The file that the image's container runs. @throws Error when there is no such image, or it cannot be built. */
  mainOf(image: string): string;
}

/**
 * Images of the deployables under `functionsFolder`, as folders `<name>/<state of the sources>` of `dir` that hold what a
 * deployed image holds: the bundle. Each is built when it is first asked for and whenever a source has changed since. That
 * takes about a second, in which nothing else is done; every container starts in two thirds of the time its sources would
 * take. Running containers keep the image they were started from; what nobody runs any more goes when this is opened.
 */
export function openImages(functionsFolder: string, dir: string): Images {
  forgetOthers(dir, stateOf(functionsFolder));
  return {
    mainOf(image) {
      const deployable = find(functionsFolder, image);
      const folder = join(dir, deployable.name, stateOf(functionsFolder));
      const main = join(folder, 'index.js');
      const built = join(folder, 'package.json');
      if (existsSync(built)) return main;
      mkdirSync(folder, { recursive: true });
      build(deployable, functionsFolder, main);
      replaceFile(built, '{"type":"commonjs"}'); // last: an image whose building was cut short is built again
      return main;
    },
  };
}

function find(functionsFolder: string, image: string): Deployable {
  const name = deployableOfImage(image);
  const containers = listDeployables(functionsFolder).filter(({ kind }) => kind !== 'function');
  const found = containers.find((deployable) => deployable.name === name);
  if (found !== undefined) return found;
  const known = containers.map((deployable) => deployable.name).join(', ');
  throw new Error(`Image '${image}' not found. The local cloud has: ${known === '' ? 'none' : known}.`);
}

function build(deployable: Deployable, functionsFolder: string, main: string): void {
  const root = dirname(functionsFolder);
  const { metafile } = buildSync({
    metafile: true,
    absWorkingDir: root,
    stdin: { contents: containerMain(deployable, functionsFolder), resolveDir: root, loader: 'ts' },
    outfile: main,
    ...BUNDLING,
    // Half the size is read and compiled at every start; names stay, for stack traces.
    minify: true,
    keepNames: true,
  });
  if (join('functions', WORKER.starter) in metafile.inputs)
    buildSync({
      entryPoints: [join(functionsFolder, WORKER.source)],
      outfile: join(dirname(main), WORKER.bundle),
      ...BUNDLING,
    });
  if (join('functions', KERNELS.reader) in metafile.inputs)
    copyFileSync(join(functionsFolder, KERNELS.source), join(dirname(main), KERNELS.bundle));
  if (deployable.kind === 'job' && ONNX_READER in metafile.inputs)
    placeOnnx(root, dirname(main), { link: true });
}

function forgetOthers(dir: string, state: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir))
    for (const other of readdirSync(join(dir, name)))
      if (other !== state) rmSync(join(dir, name, other), { recursive: true, force: true });
}

/** What else a bundle is made of. */
const BESIDES = ['package.json', 'package-lock.json', join('scripts', 'bundling.ts')];

/** Changes whenever a source does: a hash of every file's place, size and time. */
function stateOf(functionsFolder: string): string {
  const besides = BESIDES.map((name) => join(dirname(functionsFolder), name));
  const sources = readdirSync(functionsFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const files = [...sources, ...besides.filter((file) => existsSync(file))].sort();
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file}\n${size}\n${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
