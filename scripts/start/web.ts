import { execFile } from 'node:child_process';
import { glob, rename, rm, stat, utimes } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { TerminalError } from '#core/errors';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['web/**/*', 'functions/core/**/*.ts', 'package-lock.json'];

/**
 * Builds the web application into dist/web, unless what is there is newer than every source. About 2 s.
 * @returns whether it was built now
 * @throws TerminalError `web-build` with the end of what the build said.
 */
export async function buildWeb(): Promise<boolean> {
  const built = await stat(`${ROOT}dist/web/index.html`).catch(() => null);
  if (built !== null && built.mtimeMs >= (await newest())) return false;
  const vite = `${ROOT}node_modules/vite/bin/vite.js`;
  const begun = new Date();
  // Beside its place, and moved there whole: nobody is served half an application, and two may build at once.
  const draft = `${ROOT}dist/.web-${process.pid}`;
  const args = [
    vite,
    'build',
    '--config',
    'web/vite.config.ts',
    '--outDir',
    draft,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT }).catch(
    (cause: Error & { stderr?: string }) => {
      throw new TerminalError(
        'web-build',
        `The web application could not be built. ${said(cause.stderr ?? cause.message)}`,
        {
          remedy: 'Mend what is named above, or run with --once, which does without the web application.',
          cause,
        },
      );
    },
  );
  // As old as what it was made of: a source saved during the build is newer.
  await utimes(`${draft}/index.html`, begun, begun);
  await putInPlace(draft, `${ROOT}dist/web`);
  return true;
}

async function putInPlace(draft: string, place: string): Promise<void> {
  await rename(place, `${draft}-former`).catch(() => undefined);
  // Somebody else's, just as new, may have come in between.
  await rename(draft, place).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  for (const left of [draft, `${draft}-former`]) await rm(left, { recursive: true, force: true });
}

/** What the build said, without its own stack. */
function said(output: string): string {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  return lines.join('\n').slice(0, 1500);
}

async function newest(): Promise<number> {
  let latest = 0;
  for await (const file of glob(SOURCES, { cwd: ROOT }))
    latest = Math.max(latest, (await stat(`${ROOT}${file}`)).mtimeMs);
  return latest;
}
