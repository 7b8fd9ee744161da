import type { JobOutcome, Warehouse } from '#cloud/bigquery';
import { newDeployment, type Deployment } from '#core/deployment';
import { paths } from '#core/paths';
import { DeploymentSettings } from '#core/pipeline-config';
import type { Platform } from '#runtime/platform';
import { memoryStore } from '#tests/memory-store';
import { publishLists } from '../../../functions/pipelines/publish-lists.ts';

const at = '2026-01-01T00:00:00.000Z';
const model = { tenant: 'tacme', model: 'mbolt' };
const ok: JobOutcome = { state: 'succeeded', message: '', reason: '', outputRows: 1 };
const failed = (reason: string): JobOutcome => ({ ...ok, state: 'failed', message: 'no luck', reason });

const aDeployment = (id: string): Deployment =>
  newDeployment({
    id,
    version: `v${id}`,
    run: null,
    settings: DeploymentSettings.parse({}),
    requestedBy: 'u',
    createdAt: at,
  });

/** A model whose deployments and warehouse a test moves as it likes. */
function scene() {
  let now = Date.parse(at);
  const store = memoryStore(() => now);
  const jobs = new Map<string, JobOutcome>();
  /** What a load comes to that is asked for; by default it succeeds at once. */
  const outcomes = new Map<string, JobOutcome>();
  /** What each table holds: of loads, the one that ended last. */
  const holds = new Map<string, string>();
  let onWait: (id: string) => void = () => undefined;
  const end = (id: string, outcome: JobOutcome) => {
    jobs.set(id, outcome);
    if (outcome.state === 'succeeded') holds.set(/-(reorder|discover)/.exec(id)?.[1] ?? '', id);
  };
  const warehouse: Pick<Warehouse, 'startLoad' | 'jobOutcome' | 'waitFor'> = {
    startLoad: (id) => {
      if (!jobs.has(id)) end(id, outcomes.get(id) ?? ok);
      return Promise.resolve();
    },
    jobOutcome: (id) => Promise.resolve(jobs.get(id) ?? { ...ok, state: 'unknown' }),
    waitFor: (id, seconds) => {
      onWait(id);
      const outcome = jobs.get(id) ?? ok;
      if (outcome.state === 'running') now += Math.max(1, seconds) * 1000;
      return Promise.resolve(outcome);
    },
  };
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => void errors.push(message) };
  const errors: string[] = [];
  const put = (path: string, data: object) => store.db.commit([{ kind: 'set', path, data: { ...data } }]);
  return {
    jobs,
    outcomes,
    holds,
    errors,
    end,
    onWait: (listener: (id: string) => void) => (onWait = listener),
    async begin() {
      const cloud = { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: 'x' };
      await put(paths.tenant('tacme'), { cloud });
    },
    /** Has the deployment `id`, of a version of its own, answer from now on in place of `former`. */
    async goLive(id: string, former?: string) {
      await put(paths.version('tacme', 'mbolt', `v${id}`), { artifact: `gs://b/${id}/artifact` });
      await put(paths.deployment('tacme', 'mbolt', id), { ...aDeployment(id), status: 'live' });
      if (former !== undefined)
        await put(paths.deployment('tacme', 'mbolt', former), {
          ...aDeployment(former),
          status: 'superseded',
        });
      await put(paths.model('tacme', 'mbolt'), { liveDeployment: id });
    },
    say: (deployment: string) =>
      publishLists({ store, log } as unknown as Platform, { ...model, deployment }, () => ({
        files: { stat: () => Promise.resolve({ bytes: 1, generation: '1' } as never) },
        warehouse: warehouse as Warehouse,
      })),
    listsFailure: async (deployment: string) =>
      (await store.db.get(paths.deployment('tacme', 'mbolt', deployment)))?.data['listsFailure'],
  };
}

async function begun() {
  const made = scene();
  await made.begin();
  return made;
}
const listsOf = ({ holds }: ReturnType<typeof scene>) => [holds.get('reorder'), holds.get('discover')];
const own = (id: string) => [`tw-${id}-recommendations-reorder`, `tw-${id}-recommendations-discover`];

it('loads what went live once, whatever its message does', async () => {
  const one = await begun();
  await one.goLive('done1');
  await one.say('done1');
  await one.say('done1');
  expect([...one.jobs.keys()]).toEqual(own('done1'));
  expect(await one.listsFailure('done1')).toBeNull();
});

it('leaves alone what is not live and was never loaded', async () => {
  const one = await begun();
  await one.goLive('done1');
  await one.goLive('dtwo2', 'done1');
  await one.say('done1');
  expect(one.jobs.size).toBe(0);
});

it('a load that ends after the next deployment went live is followed by that one’s lists', async () => {
  const one = await begun();
  await one.goLive('done1');
  for (const id of own('done1')) one.outcomes.set(id, { ...ok, state: 'running' });
  // The next goes live and is loaded while the former's loads still run; then they end.
  let turned = false;
  one.onWait((id) => {
    if (turned || !id.startsWith('tw-done1')) return;
    turned = true;
    void one.goLive('dtwo2', 'done1');
    void one.say('dtwo2').then(() => own('done1').forEach((late) => one.end(late, ok)));
  });
  await one.say('done1');
  expect(listsOf(one)).toEqual(
    own('dtwo2').map((id) => id.replace('recommendations', 'recommendations-after-done1')),
  );
});

it('and where who waited for it has died, the message that comes again sees to it', async () => {
  const one = await begun();
  await one.goLive('done1');
  for (const id of own('done1')) one.outcomes.set(id, { ...ok, state: 'running' });
  await expect(one.say('done1')).rejects.toMatchObject({ code: 'warehouse-unavailable' });
  await one.goLive('dtwo2', 'done1');
  await one.say('dtwo2');
  await expect(one.say('done1')).rejects.toMatchObject({ code: 'warehouse-unavailable' });
  own('done1').forEach((late) => one.end(late, ok));
  expect(listsOf(one)).toEqual(own('done1'));
  await one.say('done1');
  expect(listsOf(one)).toEqual(
    own('dtwo2').map((id) => id.replace('recommendations', 'recommendations-after-done1')),
  );
});

it('tries again what may pass, and records what does not', async () => {
  const one = await begun();
  await one.goLive('done1');
  one.outcomes.set(own('done1')[0]!, failed('backendError'));
  await one.say('done1');
  expect(listsOf(one)).toEqual(own('done1').map((id) => `${id}-2`));
  expect([one.errors, await one.listsFailure('done1')]).toEqual([[], null]);

  await one.goLive('dtwo2', 'done1');
  one.outcomes.set(own('dtwo2')[1]!, failed('invalid'));
  await one.say('dtwo2');
  const failure = await one.listsFailure('dtwo2');
  expect(failure).toMatchObject({
    code: 'warehouse-job-failed',
    message: expect.stringContaining('no luck'),
  });
  expect(one.errors).toEqual(['lists of all customers are not loaded']);
});
