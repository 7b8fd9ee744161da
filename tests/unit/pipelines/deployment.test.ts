import { deployment } from '../../../functions/pipelines/deployment.ts';
import type { StageContext } from '../../../functions/pipelines/run-context.ts';

test('a run that a key without the scope deploy has started leaves its version to people', async () => {
  const context = {
    ids: { tenant: 't1', model: 'm1', run: 'r1' },
    run: { mayDeploy: false, settings: { deployment: { automatic: true } } },
    store: { db: { get: () => Promise.resolve(null) } },
  } as unknown as StageContext;
  expect(await deployment.advance(context)).toMatchObject({ state: 'left', why: { code: 'may-not-deploy' } });
});
