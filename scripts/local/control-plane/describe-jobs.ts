/** `node describe-jobs.ts FILE…`: prints the `deploy` export of each entry, as JSON by file. */
import { pathToFileURL } from 'node:url';

const described: Record<string, unknown> = {};
for (const file of process.argv.slice(2)) {
  try {
    const entry = (await import(pathToFileURL(file).href)) as { deploy?: unknown };
    described[file] = entry.deploy ?? {};
  } catch (error) {
    console.error(`${file} cannot be loaded:`, error);
  }
}
process.stdout.write(`\n${JSON.stringify(described)}\n`, () => process.exit(0)); // entries may hold connections open
