import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ROOT } from '#scripts/deployables';

/** One story: every function is killed at its first writes, the containers too. `npm run bench -- kills` goes on through all. */
const KILLS = 50;

const Report = z.object({
  kills: z.int(),
  by: z.record(z.string(), z.int()),
  told: z.array(z.object({ etl: z.string(), pipeline: z.string(), failure: z.unknown() })),
  wrong: z.array(z.string()),
  seconds: z.number(),
});

test('killed before and after their writes, functions and containers bring a load and a training to their end', async () => {
  const bench = join(ROOT, 'scripts', 'bench', 'kills.ts');
  // A cloud of its own, whose containers are killed as well.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--no-warnings', bench, '--json', '--kills', String(KILLS)],
    { maxBuffer: 2 ** 24 },
  );
  const report = Report.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  expect(report.wrong).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(KILLS);
  const succeeded = { etl: 'succeeded', pipeline: 'succeeded', failure: null };
  expect(report.told).toEqual(report.told.map(() => succeeded));
  // Nobody is left out who writes anything.
  expect(Object.keys(report.by)).toEqual(
    expect.arrayContaining([
      'etl-requested',
      'etl-runner',
      'etl-watch',
      'pipelines-extraction',
      'pipelines-vocabulary',
      'pipelines-training',
      'pipelines-trainer',
      'pipelines-training-finished',
      'pipelines-watch',
      'pipelines-deployment-finished',
      'deployments-requested',
      'deployments-watch',
      'control-plane-outbox',
    ]),
  );
  process.stdout.write(
    `kills: ${report.kills} in ${report.seconds} s, all resumed: ${JSON.stringify(report.by)}\n`,
  );
}, 900_000);
