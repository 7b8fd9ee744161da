/** Plants bugs in a copy of the code, one at a time, and says which test finds each. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toError } from '#core/errors';
import { ROOT } from '#scripts/deployables';
import { PLANTED_BUGS, type PlantedBug } from './planted/bugs.ts';

const HELP = `npm run bench -- planted-bugs [--only TEXT] [--report FILE]

Copies the project to a temporary folder, changes one place of the production code at a time as somebody might by mistake,
and runs the narrowest test that should fail. Prints for each bug which test found it. --only keeps to bugs whose name or
test has TEXT in it. Each test is run without the bug, too: it must pass then.`;

interface Found {
  readonly bug: string;
  readonly test: string;
  /** Tests that failed; none where the bug was not found. */
  readonly by: readonly string[];
  readonly trouble: string | null;
}

const { values } = parseArgs({
  options: { only: { type: 'string' }, report: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help === true) console.log(HELP);
else {
  const { only = '', report } = values;
  const bugs = PLANTED_BUGS.filter(({ name, test }) => name.includes(only) || test.includes(only));
  const folder = copyOf(ROOT);
  const found: Found[] = [];
  const sound = new Map<string, string | null>();
  try {
    for (const bug of bugs) {
      const key = `${bug.test} ${bug.named ?? ''}`;
      if (!sound.has(key)) {
        const { code, failed } = await jest(folder, bug);
        sound.set(key, code === 0 ? null : `it fails without the bug, too: ${failed.join('; ')}`);
      }
      const one = await find(folder, bug, sound.get(key) ?? null);
      found.push(one);
      console.log(`${one.by.length > 0 && one.trouble === null ? 'found ' : 'MISSED'} ${bug.name}`);
      console.log(`       ${one.trouble ?? one.by[0] ?? 'no test failed'} (${bug.test})`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const missed = found.filter(({ by, trouble }) => by.length === 0 || trouble !== null);
  console.log(`\n${found.length} bugs planted, ${found.length - missed.length} found`);
  if (report !== undefined)
    writeFileSync(report, `${JSON.stringify({ bench: 'planted-bugs', found }, null, 2)}\n`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

/** A copy of the project's own files; what is installed is used where it is. */
function copyOf(root: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tradewind-planted-'));
  const listed = execFileSync('git', ['ls-files', '-z', '-c', '-o', '--exclude-standard'], { cwd: root });
  for (const file of listed.toString().split('\0'))
    if (file !== '') cpSync(join(root, file), join(folder, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

async function find(folder: string, bug: PlantedBug, unsound: string | null): Promise<Found> {
  const about = { bug: bug.name, test: bug.test };
  if (unsound !== null) return { ...about, by: [], trouble: unsound };
  const path = join(folder, bug.file);
  const before = readFileSync(path, 'utf8');
  const places = before.split(bug.find).length - 1;
  if (places !== 1)
    return { ...about, by: [], trouble: `${bug.file} has its place ${places} times and not once` };
  writeFileSync(
    path,
    before.replace(bug.find, () => bug.replace),
  );
  try {
    const { code, failed } = await jest(folder, bug);
    return { ...about, by: code === 0 ? [] : failed, trouble: null };
  } catch (error) {
    return { ...about, by: [], trouble: toError(error).message };
  } finally {
    writeFileSync(path, before);
  }
}

/** Runs a bug's test. @returns the names of the tests that failed */
function jest(folder: string, { test, named }: PlantedBug): Promise<{ code: number; failed: string[] }> {
  const script = join(folder, 'node_modules/jest/bin/jest.js');
  const chosen = named === undefined ? [] : ['-t', named.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', script, test, ...chosen], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => {
      const failed = [...said.matchAll(/^ {2}● (.+)$/gm)].map(([, name]) => name ?? '');
      if (!/^Tests: +.*\d+ (passed|failed)/m.test(said))
        reject(new Error(`no test of ${test} ran: ${said.slice(-2000)}`));
      else resolve({ code: code ?? 1, failed: [...new Set(failed)] });
    });
  });
}
