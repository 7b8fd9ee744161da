import { statSync } from 'node:fs';

/**
 * Files known to take long, the longest first. Begun last, one of them keeps a single worker busy while the others have
 * nothing left to do; on a fresh clone jest knows no times and goes by the size of files, which says the opposite of these.
 */
const LONG = [
  'integration/etl/killed',
  'integration/etl/merge',
  'integration/kills/kills',
  'integration/etl/cancel',
  'integration/etl/cancel-killed',
  'integration/etl/choices',
  'integration/pipelines/trouble',
  'integration/access/swapped-ids',
  'integration/etl/postgres',
  'integration/etl/mysql',
  'integration/pipelines/crash',
  'integration/etl/takeover',
  'integration/etl/csv',
  'integration/etl/publication',
  'integration/etl/starts',
  'integration/pipelines/cancel',
  'integration/etl/files',
  'integration/deployments/story',
  'integration/local-cloud/life',
  'integration/access/matrix',
  'integration/etl/drift',
  'integration/etl/failures',
  'integration/security/canary',
  'integration/etl/preflight',
  'integration/local-cloud/events',
  'contract/mysql-watermark',
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
