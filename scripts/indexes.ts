import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '#scripts/deployables';
import { planIndexes } from './indexes/plan.ts';

const HELP = `node scripts/indexes.ts [--check]

Writes firestore.indexes.json: the indexes that the lists of the API and the functions' own queries need. The emulator
answers every query without an index; the real Firestore does not.

  --check   write nothing; exit code 1 where the file is not what would be written
`;

/** The file and what is to be in it. */
export async function generate(): Promise<{ readonly file: string; readonly text: string }> {
  const folder = join(ROOT, 'functions/core/api');
  const modules: Record<string, unknown>[] = await Promise.all(
    readdirSync(folder).map((name) => import(join(folder, name))),
  );
  const plan = planIndexes(modules.flatMap((module) => Object.values(module)));
  return { file: join(ROOT, 'firestore.indexes.json'), text: `${JSON.stringify(plan, null, 2)}\n` };
}

if (import.meta.main) {
  if (process.argv.includes('--help')) process.stdout.write(HELP);
  else {
    const { file, text } = await generate();
    const same = readFileSync(file, 'utf8') === text;
    if (!process.argv.includes('--check')) writeFileSync(file, text);
    else if (!same) {
      process.stderr.write('firestore.indexes.json is out of date: run node scripts/indexes.ts\n');
      process.exitCode = 1;
    }
  }
}
