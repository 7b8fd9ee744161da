import { z } from 'zod';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { BugReport } from './report.ts';
import { reports } from './seeds.ts';

/** Worlds that are lived at most to find a bug. */
const MOST = '400';

test('every planted bug is found', async () => {
  const parts = await reports(z.array(BugReport), [
    ['1', MOST, '--bugs', '1/2'],
    ['1', MOST, '--bugs', '2/2'],
  ]);
  const found = parts.flat();
  expect(found).toHaveLength(PLANTED_BUGS.length);
  expect(found.filter(({ caught }) => caught === null).map(({ name }) => name)).toEqual([]);
  const told = found.map(({ name, caught }) => `  ${name}: ${caught?.invariant} in world ${caught?.seed}`);
  process.stdout.write(`planted bugs: ${found.length} of ${PLANTED_BUGS.length} found\n${told.join('\n')}\n`);
}, 600_000);
