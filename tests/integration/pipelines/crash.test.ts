import type { Database } from '#cloud/firestore';
import { announce } from '#core/events';
import type { GateVerdict } from '#core/metrics';
import { paths } from '#core/paths';
import { PipelineRun, type StageName, STAGES } from '#core/pipeline-run';
import { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import { readConfig } from '#runtime/config';
import type { Platform } from '#runtime/platform';
import { mustRead, readAll } from '#store/document';
import { createExclusively } from '#store/exclusive';
import { LEASE_SECONDS } from '#store/lease';
import { publishOutbox } from '#store/outbox';
import type { Store } from '#store/store';
import { readUsage } from '#store/usage';
import { eventually } from '#tests/eventually';
import { nothingMeasured } from '#tests/metrics';
import { aRun, aWork } from '#tests/pipeline-runs';
import { APART, freshTenant, openTestStore } from '#tests/store';
import { requestCancel } from '../../../functions/pipelines/cancel.ts';
import { concludeTraining } from '../../../functions/pipelines/conclude-training.ts';
import { driveStage } from '../../../functions/pipelines/drive.ts';
import type { StageContext, StageWork } from '../../../functions/pipelines/run-context.ts';
import { currentStage } from '../../../functions/pipelines/stage-plan.ts';

// The watchdog of the running cloud must not find these runs.
const store = openTestStore(APART);
afterAll(() => store.db.close());
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const AT = '2026-06-01T00:00:00.000Z';

const tenantOf = (id: string): Tenant =>
  Tenant.parse({
    id,
    name: 'Test',
    plan: 'trial',
    status: 'active',
    cloud: { projectId: 'p', location: 'europe-west1', bucket: 'b', datasetPrefix: '' },
    createdAt: AT,
  });

/** A run that has just been asked for, in a tenant of its own. */
async function askedFor() {
  const tenant = freshTenant();
  const ids = { tenant, model: 'm1234', run: 'r1234' };
  const path = paths.pipelineRun(tenant, ids.model, ids.run);
  await store.db.commit([{ kind: 'create', path: paths.tenant(tenant), data: tenantOf(tenant) }]);
  await createExclusively(store, {
    lock: paths.lock(tenant, ids.model, 'pipeline'),
    path,
    data: aRun({ id: ids.run }),
    // Of another kind than it is: the cloud's own watchdog, which has the real stages, must not work on it.
    watched: { kind: 'deployment', path, tenant, model: ids.model, id: ids.run },
    announcements: [announce('extraction-requested', ids)],
    audit: { tenant, actor: 'u', action: 'pipeline.start', target: path },
  });
  return { ids, path };
}

/** Stages whose work takes two looks: the first starts a job, the second finds it done. */
function twoLooks(started: string[]): Readonly<Record<StageName, StageWork>> {
  const work = (stage: StageName): StageWork =>
    aWork(stage, async ({ attempt }) => {
      const job = `${stage}-${attempt}`;
      if (started.includes(job)) return { state: 'done', found: {} };
      started.push(job);
      return { state: 'running', executor: job };
    });
  return {
    extraction: work('extraction'),
    vocabulary: work('vocabulary'),
    training: work('training'),
    deployment: work('deployment'),
  };
}

/** The platform as one process has it, with `db` in the place of the database, `later` milliseconds from now. */
const processWith = (db: Database, later = 0): Platform => ({
  config: readConfig(process.env),
  // Everything else is the shared store's.
  store: Object.assign(Object.create(store) as Store, { db, clock: () => store.clock() + later }),
  log: silent,
});

/** A database that loses the process at its n-th write: `gone`: nothing works from then on; `lost`: only the answer is lost. */
function failingAt(n: number, how: 'gone' | 'lost') {
  let writes = 0;
  let dead = false;
  const alive = () => {
    if (dead) throw new Error('the process is gone');
  };
  const db: Database = {
    ...store.db,
    get: async (path) => (alive(), store.db.get(path)),
    commit: async (batch) => {
      alive();
      const last = ++writes === n;
      await store.db.commit(batch);
      if (!last) return;
      dead = how === 'gone';
      throw new Error('the answer was lost');
    },
  };
  return { db, reached: () => writes >= n };
}

/** The topics of everything published about the tenant, once all that is needed is there. */
async function messagesOf(tenant: string): Promise<string[] | null> {
  await publishOutbox(store, 0).catch(() => 0);
  const said = store.published.filter(({ payload }) => JSON.stringify(payload).includes(tenant));
  return new Set(said.map(({ topic }) => topic)).size >= 4 ? said.map(({ topic }) => topic) : null;
}

/** Looks at the run, as messages and the watchdog do, until it is over or nothing works any more. */
async function lookUntilOver(
  here: Platform,
  ids: { tenant: string; model: string; run: string },
  works: Readonly<Record<StageName, StageWork>>,
  looks: number,
): Promise<void> {
  for (let look = 0; look < looks; look++) {
    const path = paths.pipelineRun(ids.tenant, ids.model, ids.run);
    const stage = currentStage((await mustRead(store, path, PipelineRun, 'run')).value);
    if (stage === null) return;
    await driveStage(here, ids, works[stage]).catch(() => undefined);
  }
}

test.each(['gone', 'lost'] as const)(
  'wherever the process is when its write’s answer is %s, the run goes on and does nothing twice',
  async (how) => {
    const interrupted = async (n: number): Promise<boolean> => {
      const { ids, path } = await askedFor();
      const started: string[] = [];
      const works = twoLooks(started);
      const failing = failingAt(n, how);
      await lookUntilOver(processWith(failing.db), ids, works, 12);
      // Whoever held the lease is gone; it runs out.
      await lookUntilOver(processWith(store.db, (LEASE_SECONDS + 1) * 1000), ids, works, 12);
      const run = (await mustRead(store, path, PipelineRun, 'run')).value;
      expect({ n, status: run.status, started }).toEqual({
        n,
        status: 'succeeded',
        started: STAGES.map((stage) => `${stage}-1`),
      });
      expect(await store.db.get(paths.lock(ids.tenant, ids.model, 'pipeline'))).toBeNull();
      expect(await store.db.get(paths.watched(path))).toBeNull();
      // What the process could not publish is published from the outbox.
      const said = new Set(await eventually('the messages', () => messagesOf(ids.tenant)));
      expect(said).toEqual(
        new Set(['extraction-requested', 'vocabulary-requested', 'training-requested', 'pipeline-finished']),
      );
      return failing.reached();
    };
    const AT_ONCE = 8;
    let points = 0;
    for (let from = 1; ; from += AT_ONCE) {
      // Settled, every one: none may still be at work when the test is over.
      const all = await Promise.allSettled(
        Array.from({ length: AT_ONCE }, (_, at) => interrupted(from + at)),
      );
      const reached = all.map((one) => {
        if (one.status === 'rejected') throw one.reason;
        return one.value;
      });
      points += reached.filter(Boolean).length;
      if (!reached.every(Boolean)) break;
    }
    // Eight looks, each with its lease, and every stage's two changes with their messages.
    expect(points).toBeGreaterThan(30);
  },
  180_000,
);

test('wherever the process is, a run whose end is asked for ends, leaves nothing behind and is counted once', async () => {
  const interrupted = async (n: number): Promise<boolean> => {
    const { ids, path } = await askedFor();
    const started: string[] = [];
    const stopped: string[] = [];
    const works = Object.fromEntries(
      Object.entries(twoLooks(started)).map(([stage, work]) => [
        stage,
        {
          ...work,
          stop: () => (stopped.push(stage), Promise.resolve('stopped')),
          spent: () => Promise.resolve({ bytesScanned: 7, trainingSeconds: 0 }),
        },
      ]),
      // The same stages as twoLooks has.
    ) as unknown as Readonly<Record<StageName, StageWork>>;
    const failing = failingAt(n, 'gone');
    const here = processWith(failing.db);
    // Extraction is done, vocabulary's job is at work.
    await lookUntilOver(here, ids, works, 3);
    await requestCancel(here.store, ids, 'u').catch(() => requestCancel(store, ids, 'u'));
    await lookUntilOver(here, ids, works, 3);
    await lookUntilOver(processWith(store.db, (LEASE_SECONDS + 1) * 1000), ids, works, 3);
    const run = (await mustRead(store, path, PipelineRun, 'run')).value;
    expect({ n, status: run.status }).toEqual({ n, status: 'cancelled' });
    expect(await store.db.get(paths.lock(ids.tenant, ids.model, 'pipeline'))).toBeNull();
    expect(await store.db.get(paths.watched(path))).toBeNull();
    const used = await readUsage(store, ids.tenant, (run.finishedAt ?? '').slice(0, 7));
    const spent = STAGES.filter((stage) => run.stages[stage].startedAt !== null).length;
    expect(used.pipeline).toMatchObject({ runs: 1, amounts: { bytesScanned: 7 * spent } });
    return failing.reached();
  };
  let points = 0;
  for (let from = 1; ; from += 8) {
    const all = await Promise.allSettled(Array.from({ length: 8 }, (_, at) => interrupted(from + at)));
    const reached = all.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
    points += reached.filter(Boolean).length;
    if (!reached.every(Boolean)) break;
  }
  expect(points).toBeGreaterThan(15);
}, 180_000);

test('work that was done before it could be stopped counts: the run has succeeded, and its deployment stays', async () => {
  const { ids, path } = await askedFor();
  const here = processWith(store.db);
  const works = twoLooks([]);
  // All but the deployment, which is at work.
  await lookUntilOver(here, ids, works, 7);
  expect((await mustRead(store, path, PipelineRun, 'run')).value.stages.deployment.status).toBe('running');
  await requestCancel(store, ids, 'u');
  const deployment: StageWork = {
    ...works.deployment,
    advance: () => Promise.resolve({ state: 'done', found: { deployment: 'd1234' } }),
    stop: () => Promise.resolve('done'),
  };
  await lookUntilOver(here, ids, { ...works, deployment }, 1);
  expect((await mustRead(store, path, PipelineRun, 'run')).value).toMatchObject({
    status: 'succeeded',
    deployment: 'd1234',
    stages: { deployment: { status: 'succeeded' } },
  });
  await expect(requestCancel(store, ids, 'u')).rejects.toMatchObject({ code: 'run-over' });
});

test('versions that are made at once get numbers of their own, each run one version', async () => {
  const tenant = freshTenant();
  const bytes = new TextEncoder().encode('artifact');
  const sha256 = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
  const gate: GateVerdict = { passed: true, reasons: ['fine'], checks: [] };
  const metrics = nothingMeasured(AT);
  const conclude = (run: string) =>
    concludeTraining(
      {
        store,
        ids: { tenant, model: 'm1234', run },
        tenant: tenantOf(tenant),
        attempt: 1,
        files: {
          read: async function* () {
            yield bytes;
          },
        },
        // Only what concluding uses.
      } as unknown as StageContext,
      { ok: true, sha256, bytes: bytes.length, metrics, gate, signals: [] },
    );
  const runs = Array.from({ length: 6 }, (_, n) => `r000${n}`);
  // Every run concludes twice, all at the same time.
  const outcomes = await Promise.all([...runs, ...runs].map(conclude));
  expect(new Set(outcomes.map((outcome) => outcome.state))).toEqual(new Set(['done']));
  const versions = await readAll(store, paths.versions(tenant, 'm1234'), Version);
  expect(versions.map((version) => version.number).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('an artifact that is not what the trainer wrote is not made a version', async () => {
  const tenant = freshTenant();
  const outcome = await concludeTraining(
    {
      store,
      ids: { tenant, model: 'm1234', run: 'r1234' },
      tenant: tenantOf(tenant),
      attempt: 1,
      files: {
        read: async function* () {
          yield new TextEncoder().encode('damaged');
        },
      },
      // Only what concluding uses.
    } as unknown as StageContext,
    // The gate and metrics are not looked at before the artifact is found whole.
    { ok: true, sha256: 'a'.repeat(64), bytes: 8 } as Parameters<typeof concludeTraining>[1],
  );
  expect(outcome).toMatchObject({ state: 'died', failure: { code: 'artifact-damaged' } });
  expect(await readAll(store, paths.versions(tenant, 'm1234'), Version)).toEqual([]);
});
