import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './deployables.ts';

/**
 * Compiles the recommender's kernels (AssemblyScript) to one WebAssembly module. Every file of the folder `assembly` is an
 * entry whose exports become the module's; what entries share lies in `assembly/lib`.
 */
const KERNELS = join(ROOT, 'functions', 'recommender', 'kernels');
const SOURCES = join(KERNELS, 'assembly');
const COMPILED = join(KERNELS, 'compiled');
const MODULE = join(COMPILED, 'kernels.wasm');
const STAMP = join(COMPILED, 'kernels.sha256');

/**
 * The memory is the caller's: shared, so that threads can attach to it, and up to 4 GiB. Warning 112 is about vectors as
 * arguments, which stay inside the module.
 */
const OPTIONS = `-O3 --noAssert --runtime stub --enable simd --enable threads
  --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --disableWarning 112`.split(/\s+/);

/** Compiles where the sources are not those that were compiled last; true where that was so. About 2 s. */
export function ensureKernels(): boolean {
  const sources = globSync('**/*.ts', { cwd: SOURCES }).sort();
  const hash = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .update(compilerVersion());
  for (const file of sources) hash.update(file).update(readFileSync(join(SOURCES, file)));
  const wanted = hash.digest('hex');
  if (existsSync(MODULE) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return false;
  mkdirSync(COMPILED, { recursive: true });
  // Renamed into place, so that of two commands that compile at once neither reads half a module.
  const fresh = `${MODULE}.${process.pid}`;
  try {
    execFileSync(
      process.execPath,
      [
        join(ROOT, 'node_modules', 'assemblyscript', 'bin', 'asc.js'),
        ...sources.filter((file) => !file.startsWith('lib')).map((file) => join(SOURCES, file)),
        '-o',
        fresh,
        ...OPTIONS,
      ],
      { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    renameSync(fresh, MODULE);
  } finally {
    rmSync(fresh, { force: true });
  }
  writeFileSync(`${STAMP}.${process.pid}`, wanted);
  renameSync(`${STAMP}.${process.pid}`, STAMP);
  return true;
}

function compilerVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(join(ROOT, 'node_modules', 'assemblyscript', 'package.json'), 'utf8'),
  );
  return String(Object(manifest).version);
}

if (import.meta.main) ensureKernels();
