import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import type { Deployable } from './local/deployables.ts';

/** The package that serves functions. */
export const FRAMEWORK = '@google-cloud/functions-framework';

/** How every deployable becomes one CommonJS file. */
export const BUNDLING = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  /**
   * What stays beside a bundle instead of inside it: workers, .wasm, native modules, and the Functions Framework: a
   * function registers with the very copy that serves it, so the platform installs it by the version in the bundle's
   * package.json.
   */
  external: ['pg-native', 'cpu-features', '@duckdb/*', 'onnxruntime-node', FRAMEWORK],
  // Sources are modules; in a CommonJS bundle `import.meta` is rebuilt from the file's own place.
  define: {
    'import.meta.url': '__bundle_url',
    'import.meta.dirname': '__dirname',
    'import.meta.main': 'false',
  },
  banner: { js: 'const __bundle_url=require("node:url").pathToFileURL(__filename).href;' },
  logLevel: 'error',
} as const satisfies BuildOptions;

/** The recommender's threads start from a file of their own, below the functions' folder and beside a bundle. */
export const WORKER = {
  source: join('recommender', 'kernels', 'worker.ts'),
  starter: join('recommender', 'kernels', 'pool.ts'),
  bundle: 'worker.js',
} as const;

/** The recommender's kernels are read from a file of their own, below the functions' folder and beside a bundle. */
export const KERNELS = {
  source: join('recommender', 'kernels', 'compiled', 'kernels.wasm'),
  reader: join('recommender', 'kernels', 'wasm.ts'),
  bundle: 'kernels.wasm',
} as const;

/** Imported first by services; of the project itself, whatever functions folder is bundled. */
const YOUNG_HEAP = join(import.meta.dirname, '..', 'functions', 'runtime', 'small-young-heap.ts');

/** A container's main: its entry is launched by the runtime that lies in the same functions folder. */
export function containerMain(
  { name, file, kind }: Pick<Deployable, 'name' | 'file' | 'kind'>,
  functionsFolder: string,
) {
  const launcher = join(functionsFolder, 'runtime', 'launch.ts');
  const first = kind === 'service' ? `import ${JSON.stringify(YOUNG_HEAP)};\n` : '';
  return `${first}import * as entry from ${JSON.stringify(file)};
import { launch } from ${JSON.stringify(launcher)};
void launch(${JSON.stringify(name)}, entry);`;
}
