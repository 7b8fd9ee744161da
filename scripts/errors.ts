/** `npm run errors`: every error code with what it means, what to do, where it is said and which tests reproduce it, as Markdown. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_AREAS } from '../functions/core/error-codes.ts';
import { collectCodes } from './errors/collect.ts';
import { errorsPage, reproducedBy, TESTS } from './errors/page.ts';

const ROOT = join(import.meta.dirname, '..');
const tests = globSync(TESTS, { cwd: ROOT }).map((file) => ({
  file,
  text: readFileSync(join(ROOT, file), 'utf8'),
}));
process.stdout.write(errorsPage(ERROR_AREAS, collectCodes(ROOT), reproducedBy(tests)));
