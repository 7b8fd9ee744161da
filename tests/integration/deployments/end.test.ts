import { Deployment, type DeploymentStatus, newDeployment } from '#core/deployment';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { DeploymentSettings } from '#core/pipeline-config';
import { mustRead } from '#store/document';
import { APART, freshTenant, openTestStore } from '#tests/store';
import { goLive, recordFailure } from '../../../functions/deployments/end.ts';

// The watchdog of the running cloud must not find these runs.
const store = openTestStore(APART);
afterAll(() => store.db.close());
const AT = '2026-06-01T00:00:00.000Z';
const model = 'm1234';
const SETTINGS = DeploymentSettings.parse({ warmUp: 0, canary: { steps: [] } });
const URL = 'https://tw.example';

const deploymentOf = (id: string, status: DeploymentStatus): Deployment => ({
  ...newDeployment({
    id,
    version: 'v1234',
    run: null,
    settings: SETTINGS,
    requestedBy: 'u',
    createdAt: AT,
  }),
  status,
});

/** A model whose `dlive` is live, with `dnext` being verified. */
async function scene() {
  const tenant = freshTenant();
  const next = paths.deployment(tenant, model, 'dnext');
  const create = (path: string, data: object) => ({ kind: 'create' as const, path, data });
  await store.db.commit([
    create(paths.model(tenant, model), {
      id: model,
      name: 'M',
      description: '',
      status: 'active',
      createdAt: AT,
      liveDeployment: 'dlive',
    }),
    create(paths.deployment(tenant, model, 'dlive'), deploymentOf('dlive', 'live')),
    create(next, deploymentOf('dnext', 'verifying')),
    create(paths.lock(tenant, model, 'deployment'), { run: 'dnext' }),
    create(paths.watched(next), { kind: 'deployment' }),
  ]);
  const look = async () => {
    const status = async (id: string) =>
      (await mustRead(store, paths.deployment(tenant, model, id), Deployment, 'deployment')).value.status;
    return {
      live: (await mustRead(store, paths.model(tenant, model), Model, 'model')).value.liveDeployment,
      dlive: await status('dlive'),
      dnext: await status('dnext'),
      locked: (await store.db.get(paths.lock(tenant, model, 'deployment'))) !== null,
      watched: (await store.db.get(paths.watched(next))) !== null,
      said: store.published.filter(({ payload }) => JSON.stringify(payload).includes(tenant)).length,
    };
  };
  return { ids: { tenant, model, deployment: 'dnext' }, look };
}

test('the new one is live and the former superseded in one step, however often it is said', async () => {
  const { ids, look } = await scene();
  const results = await Promise.all(
    Array.from({ length: 4 }, () => goLive(store, ids, { url: URL, compared: 50 })),
  );
  expect(results.filter((result) => result !== null)).toHaveLength(1);
  const over = { live: 'dnext', dlive: 'superseded', dnext: 'live', locked: false, watched: false, said: 1 };
  expect(await look()).toEqual(over);
  // A failure that is reported late does not take down what is live.
  const late = { code: 'x', message: 'late', remedy: null };
  expect(await recordFailure(store, ids, late)).toBeNull();
  expect(await look()).toEqual(over);
});

test('a failure leaves the former one live, and the next deployment may begin', async () => {
  const { ids, look } = await scene();
  const failure = { code: 'revision-failed', message: 'It did not start.', remedy: null };
  expect(await recordFailure(store, ids, failure)).toMatchObject({ status: 'failed', failure });
  expect(await goLive(store, ids, { url: URL, compared: 1 })).toBeNull();
  expect(await look()).toEqual({
    live: 'dlive',
    dlive: 'live',
    dnext: 'failed',
    locked: false,
    watched: false,
    said: 1,
  });
});
