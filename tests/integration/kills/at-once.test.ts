/* Twenty people, schedules and messages ask for the same at the same moment: one run each time. */
import { openWarehouse } from '#cloud/bigquery';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { DeploymentSettings } from '#core/pipeline-config';
import { Tenant } from '#core/tenant';
import { readConfig } from '#runtime/config';
import { traced } from '#store/trace';
import { APART, freshTenant, openTestStore } from '#tests/store';
import { start as startDeployment } from '../../../functions/deployments/start.ts';
import { startRun as startEtl } from '../../../functions/etl/start.ts';
import { startRun as startPipeline } from '../../../functions/pipelines/start.ts';
import { makeRandom } from '../../simulation/random.ts';
import { setModel } from '../../simulation/scene.ts';

/** The functions of the running cloud do not look here: runs stay as they were begun. */
const store = openTestStore(APART);
afterAll(() => store.db.close());

const AT_ONCE = 20;
/** ROUNDS=100 takes some minutes. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 8);
const config = readConfig(process.env);
const cloud = {
  projectId: config.projectId,
  location: config.location,
  bucket: config.bucket,
  datasetPrefix: 'tw_',
};

async function openModel() {
  const id = freshTenant();
  const tenant = Tenant.parse({
    id,
    name: 'Test',
    plan: 'standard',
    status: 'active',
    cloud,
    createdAt: '2026-01-01T00:00:00.000Z',
    limits: { runsPerDay: 1_000_000 },
  });
  const documents: { kind: 'create'; path: string; data: Record<string, unknown> }[] = [];
  const write = (path: string, data: Record<string, unknown>) =>
    void documents.push({ kind: 'create', path, data });
  write(paths.tenant(id), tenant);
  const place = setModel(makeRandom(1), write, () => undefined, id, 'm1234');
  await store.db.commit(documents);
  return { tenant, place };
}

type Kind = 'etl' | 'pipeline' | 'deployment';

/** Asks `AT_ONCE` times at once, `ROUNDS` times; each round begins with the model free again. @returns runs made per round */
async function rounds(
  kind: Kind,
  collection: string,
  lock: string,
  ask: (actor: string) => Promise<{ readonly id: string }>,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let known = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) =>
        traced({ requestId: `${kind}-${round}-${n}`, idSeed: `${kind}-${round}-${n}` }, () => ask(`u${n}`)),
      ),
    );
    const all = await store.db.count(collection);
    const outcome = `${all - known} made, ${new Set(answers.map(({ id }) => id)).size} named`;
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    known = all;
    // The run is over: what holds the model is gone.
    await store.db.commit([{ kind: 'delete', path: lock }]);
  }
  process.stdout.write(
    `${AT_ONCE} at once, ${ROUNDS} rounds of ${kind}: ${[...counts].map(([outcome, times]) => `${outcome} × ${times}`).join('; ')}\n`,
  );
  return counts;
}

const ONE_EACH = new Map([['1 made, 1 named', ROUNDS]]);

test('loads', async () => {
  const { place } = await openModel();
  const { tenant, model } = place;
  const counts = await rounds(
    'etl',
    paths.etlRuns(tenant, model),
    paths.lock(tenant, model, 'etl'),
    (actor) => startEtl(store, place, { actor, trigger: 'person', overlap: 'join' }),
  );
  expect(counts).toEqual(ONE_EACH);
}, 900_000);

test('trainings', async () => {
  const { tenant, place } = await openModel();
  const { model, dataset, configs } = place;
  const warehouse = openWarehouse({ ...cloud, endpoints: config.endpoints });
  const { raw } = datasetNames(cloud, tenant.id, model);
  await warehouse.ensureDataset(raw);
  await warehouse.ensureTable({ dataset: raw, table: 'orders1' }, [
    { name: 'customer', type: 'STRING' },
    { name: 'item', type: 'STRING' },
    { name: 'placed', type: 'TIMESTAMP' },
  ]);
  const counts = await rounds(
    'pipeline',
    paths.pipelineRuns(tenant.id, model),
    paths.lock(tenant.id, model, 'pipeline'),
    (actor) =>
      startPipeline(store, config, {
        tenant,
        model,
        config: configs[0],
        dataset,
        actor,
        mayDeploy: true,
        trigger: 'person',
        overlap: 'join',
      }),
  );
  expect(counts).toEqual(ONE_EACH);
}, 900_000);

test('deployments', async () => {
  const { place } = await openModel();
  const { tenant, model, versions } = place;
  const settings = DeploymentSettings.parse({});
  const counts = await rounds(
    'deployment',
    paths.deployments(tenant, model),
    paths.lock(tenant, model, 'deployment'),
    (actor) => startDeployment(store, place, actor, { version: versions[0], settings }),
  );
  expect(counts).toEqual(ONE_EACH);
}, 900_000);
