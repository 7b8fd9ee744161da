/* Worlds in processes of their own: two at a time, for there may be no more processors than that. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { z } from 'zod';

const MAIN = join(import.meta.dirname, 'main.ts');

/** What main.ts reports of each of `argumentLists`. @throws Error with what it wrote where it ended badly */
export async function reports<S extends z.ZodType>(
  schema: S,
  argumentLists: readonly (readonly string[])[],
): Promise<z.output<S>[]> {
  return Promise.all(argumentLists.map(async (args) => schema.parse(JSON.parse(await run(args)))));
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    let complained = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (told += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complained += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(told);
      else reject(new Error(`main.ts ${args.join(' ')} ended with ${code}:\n${complained.slice(-4000)}`));
    });
  });
}
