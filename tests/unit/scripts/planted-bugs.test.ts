/** Planted bugs are changes of the code as it is: one that finds no place any more would be found by nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '#scripts/deployables';
import { PLANTED_BUGS } from '../../../scripts/bench/planted/bugs.ts';

test.each(PLANTED_BUGS.map((bug) => [bug.name, bug] as const))('there is one place for: %s', (_, bug) => {
  expect(readFileSync(join(ROOT, bug.file), 'utf8').split(bug.find)).toHaveLength(2);
  expect(bug.replace).not.toBe(bug.find);
});
