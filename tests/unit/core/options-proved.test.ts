import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DeploymentConfig, ExtractionConfig } from '#core/pipeline-config';
import { RunCaps } from '#core/run-caps';
import { TrainingConfig } from '#core/training-config';

/** By option of a pipeline configuration, the test that shows what it does. */
const PROVED: Readonly<Record<string, string>> = {
  'extraction.historyDays': 'unit/core/sql/lines.test.ts',
  'training.preset': 'unit/core/training-config.test.ts',
  'training.algorithms': 'unit/recommender/train.test.ts',
  'training.slots': 'unit/recommender/train.test.ts',
  'training.trials': 'unit/recommender/train.test.ts',
  'training.seconds': 'unit/recommender/train.test.ts',
  'training.holdout': 'unit/recommender/train.test.ts',
  'training.minInteractionsPerCustomer': 'unit/recommender/train.test.ts',
  'training.minInteractionsPerItem': 'unit/recommender/train.test.ts',
  'training.halfLifeDays': 'unit/recommender/train.test.ts',
  'training.seed': 'unit/recommender/train.test.ts',
  'training.k': 'unit/recommender/train.test.ts',
  'training.gateTolerance': 'unit/recommender/train.test.ts',
  'deployment.automatic': 'integration/pipelines/trouble.test.ts',
  'deployment.minInstances': 'integration/deployments/service.test.ts',
  'deployment.maxInstances': 'integration/deployments/service.test.ts',
  'deployment.smokeCustomers': 'unit/deployments/smoke-test.test.ts',
  'deployment.concurrency': 'integration/deployments/service.test.ts',
  'deployment.warmUp': 'integration/deployments/story.test.ts',
  'deployment.canary': 'integration/deployments/canary.test.ts',
  'caps.maxCost': 'integration/pipelines/caps.test.ts',
  'caps.maxBytes': 'integration/pipelines/caps.test.ts',
  'caps.minutes': 'unit/pipelines/stage-plan.test.ts',
};
/** What a test calls it where not by the option's own name. */
const CALLED: Readonly<Record<string, string>> = { 'deployment.smokeCustomers': 'pickLists' };

test('every option of a configuration has a test that shows its effect', () => {
  const decided = z.record(z.string(), z.unknown());
  const parts = {
    extraction: ExtractionConfig.parse({}),
    training: TrainingConfig.parse({}),
    deployment: DeploymentConfig.parse({}),
    caps: RunCaps.parse({}),
  };
  const options = Object.entries(parts).flatMap(([part, values]) =>
    Object.keys(decided.parse(values)).map((name) => `${part}.${name}`),
  );
  expect(Object.keys(PROVED).sort()).toEqual(options.sort());
  const unproved = Object.entries(PROVED).filter(([option, file]) => {
    const name = CALLED[option] ?? option.split('.')[1] ?? option;
    return !new RegExp(`\\b${name}\\b`).test(readFileSync(`tests/${file}`, 'utf8'));
  });
  expect(unproved).toEqual([]);
});
