import { copyFileSync, globSync, linkSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * ONNX Runtime beside a bundle: its package for Node as installed, of its binaries only those of Linux on x64 (the ones
 * for other systems are five times as much), without what a graphics card would need.
 */
const FILES = [
  'onnxruntime-node/package.json',
  'onnxruntime-node/dist/*.js',
  'onnxruntime-node/bin/*/linux/x64/{onnxruntime_binding.node,libonnxruntime.so.1}',
  'onnxruntime-common/package.json',
  'onnxruntime-common/dist/cjs/**/{package.json,*.js}',
];

/** The source that asks for it, below the project's folder: what does not contain it needs no package. */
export const ONNX_READER = join('functions', 'recommender', 'onnx', 'runtime.ts');

/**
 * Places it in `folder`/node_modules from `root`/node_modules: about 46 MB, in copies or (`link`) the same files under
 * another name where the disk allows it. Where it is not installed nothing is placed: training then does without.
 */
export function placeOnnx(root: string, folder: string, { link }: { link: boolean }): void {
  const installed = join(root, 'node_modules');
  for (const file of globSync(FILES, { cwd: installed })) {
    const [from, to] = [join(installed, file), join(folder, 'node_modules', file)];
    mkdirSync(dirname(to), { recursive: true });
    if (link) linkOrCopy(from, to);
    else copyFileSync(from, to);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another disk, or one without links.
    copyFileSync(from, to);
  }
}
