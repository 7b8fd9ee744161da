import { startDeployment } from '#core/api/deployments';
import { PipelineConfigDefinition } from '#core/pipeline-config';

const refusal = (deployment: object) =>
  PipelineConfigDefinition.safeParse({ name: 'x', deployment }).error?.issues.map(({ path, message }) => [
    path.join('.'),
    message,
  ]);

test('more instances at least than at most are refused, where they are set', () => {
  expect(refusal({ minInstances: 2, maxInstances: 2 })).toBeUndefined();
  expect(refusal({ minInstances: 4 })).toEqual([
    [
      'deployment.minInstances',
      'more instances at least than at most: make it no greater than maxInstances (3 unless set)',
    ],
  ]);
  const settings = { minInstances: 3, maxInstances: 2 };
  expect(startDeployment.body.safeParse({ version: 'v1234', settings }).success).toBe(false);
});

test('a person who deploys a version is not asked whether it deploys by itself', () => {
  const { settings } = startDeployment.body.parse({ version: 'v1234' });
  expect(settings).toMatchObject({ minInstances: 1, maxInstances: 3, smokeCustomers: 25 });
  expect(settings).not.toHaveProperty('automatic');
  const automatic = startDeployment.body.safeParse({ version: 'v1234', settings: { automatic: false } });
  expect(automatic.error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['automatic'] }]);
});
