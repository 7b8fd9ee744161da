import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { spawn } from 'node:child_process';
import { ensureKernels } from '../kernels.ts';

/** The benchmarks, by the name of their file; files of …-lines are what they read. */
const benches = globSync('*.ts', { cwd: import.meta.dirname })
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'main' && !name.endsWith('-lines'))
  .sort();

const [name = '', ...rest] = process.argv.slice(2);
if (!benches.includes(name)) {
  const asked = name === '' || name === '--help' || name === '-h';
  console.error(`${asked ? '' : `There is no benchmark "${name}".\n`}npm run bench -- ${benches.join(' | ')} [options]
Each measures against a reference in the same run; --help after its name tells its options, --report FILE writes JSON.`);
  process.exitCode = asked ? 0 : 2;
} else {
  ensureKernels();
  const file = join(import.meta.dirname, `${name}.ts`);
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...rest], {
    stdio: 'inherit',
  });
  child.on('exit', (code) => (process.exitCode = code ?? 1));
}
