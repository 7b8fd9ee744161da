import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { BUNDLING, containerMain, WORKER } from '../../bundling.ts';
import { type Deployable, deployableOfImage, listDeployables } from '../deployables.ts';
import { replaceFile } from '../state-folder.ts';

/** The images of the installation's containers. */
export interface Images {
  /** The file that the image's container runs. @throws Error when there is no such image, or it cannot be built. */
  mainOf(image: string): string;
}

/**
 * Images of the deployables under `functionsFolder`, as folders of `dir` that hold what a deployed image holds: the bundle.
 * Each is built when it is first asked for and whenever a source has changed since. That takes about a second, in which
 * nothing else is done; every container starts in a third of the time its sources would take.
 */
export function openImages(functionsFolder: string, dir: string): Images {
  return {
    mainOf(image) {
      const deployable = find(functionsFolder, image);
      const folder = join(dir, deployable.name);
      const main = join(folder, 'index.js');
      const state = stateOf(functionsFolder);
      const stamp = join(folder, 'sources');
      if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return main;
      // Running containers have read their file already.
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      build(deployable, functionsFolder, main);
      replaceFile(join(folder, 'package.json'), '{"type":"commonjs"}');
      replaceFile(stamp, state); // last: an image whose building was cut short is built again
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
}

/** Changes whenever a source does: a hash of every file's place, size and time. */
function stateOf(functionsFolder: string): string {
  const files = readdirSync(functionsFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file}\n${size}\n${mtimeMs}\n`);
  }
  return hash.digest('hex');
}
