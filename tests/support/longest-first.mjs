import { statSync } from 'node:fs';

/**
 * Files known to take long, the longest first. Begun last, one of them keeps a single worker busy while the others have
 * nothing left to do; on a fresh clone jest knows no times and goes by the size of files, which says the opposite of these.
 */
const LONG = [
  'integration/kills/kills',
  'integration/etl/killed',
  'integration/etl/cancel',
  'integration/pipelines/trouble',
  'integration/security/fuzz',
  'integration/access/matrix',
  'integration/pipelines/cancel',
  'integration/etl/takeover',
  'integration/deployments/story',
  'integration/local-cloud/life',
  'integration/etl/starts',
  'integration/local-cloud/events',
  'simulation/worlds',
  'unit/schedules/year',
];

function rankOf({ path }) {
  const rank = LONG.findIndex((name) => path.endsWith(`/tests/${name}.test.ts`));
  return rank === -1 ? LONG.length : rank;
}

/** Jest's order of test files: the long ones, then by size. */
export default class LongestFirst {
  sort(tests) {
    const sized = [...tests].map((test) => ({ test, rank: rankOf(test), size: statSync(test.path).size }));
    return sized.sort((a, b) => a.rank - b.rank || b.size - a.size).map(({ test }) => test);
  }

  allFailedTests(tests) {
    return tests;
  }

  shard(tests) {
    return tests;
  }

  cacheResults() {}
}
