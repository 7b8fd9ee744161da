import { statSync } from 'node:fs';

/**
 * Files known to take long, the longest first. Begun last, one of them keeps a single worker busy while the others have
 * nothing left to do; on a fresh clone jest knows no times and goes by the size of files, which says the opposite of these.
 */
const LONG = [
  'integration/etl/killed',
  'integration/kills/kills',
  'integration/etl/merge',
  'integration/etl/cancel',
  'integration/pipelines/trouble',
  'integration/deployments/story',
  'e2e/pages',
  'integration/etl/cancel-killed',
  'integration/pipelines/cancel',
  'integration/etl/starts',
  'integration/etl/takeover',
  'e2e/tables',
  'integration/etl/choices',
  'integration/access/swapped-ids',
  'integration/access/matrix',
  'integration/etl/mysql',
  'integration/etl/postgres',
  'integration/pipelines/crash',
  'e2e/upload',
  'integration/etl/files',
  'integration/security/canary',
  'integration/deployments/crash',
  'integration/local-cloud/life',
  'integration/etl/drift',
  'integration/etl/publication',
  'integration/pipelines/rerun',
  'integration/etl/csv',
  'e2e/story',
  'integration/etl/failures',
  'integration/etl/preflight',
  'integration/local-cloud/events',
  'integration/tenants/removal',
  'integration/etl/columns',
  'integration/pipelines/lasting-trouble',
  'integration/etl/bigquery',
  'contract/mysql-watermark',
  'simulation/worlds',
  'unit/schedules/year',
  'unit/connectors/postgres/units',
  'unit/connectors/csv/csv',
  'unit/scripts/deploy/image',
  'unit/scripts/deploy/apply',
  'unit/recommender/train',
  'unit/recommender/resume',
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
