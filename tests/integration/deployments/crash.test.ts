/*
 * Killed before each write, which is after the one before it: to Firestore, and to Cloud Run. The next process, once the lease of the dead one has
 * run out, brings to its end what was begun, and at no moment is the model's traffic split otherwise than in whole.
 */
import type { ContainerPlatform } from '#cloud/run';
import { isOnItsWay } from '#core/deployment';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { mustRead } from '#store/document';
import { LEASE_SECONDS } from '#store/lease';
import type { Store } from '#store/store';
import {
  fakeCloudRun,
  type FakeRevision,
  FORMER,
  MODEL,
  NEXT,
  openDeploymentScene,
  openFakeRevision,
} from '#tests/deployment-scene';
import { openTestStore } from '#tests/store';
import { rescale, stop } from '../../../functions/deployments/change-live.ts';
import { driveDeployment } from '../../../functions/deployments/drive.ts';
import { rollBack } from '../../../functions/deployments/roll-back.ts';

const store = openTestStore();
let revision: FakeRevision;

beforeAll(async () => {
  revision = await openFakeRevision();
});
afterAll(async () => {
  await revision.close();
  await store.db.close();
});

const CALLS = ['putRevision', 'publish', 'direct', 'discard', 'deleteService'] as const;

/** A process that dies before its `point`th write: from then on nothing it does comes to anything. */
function mortal(platform: ContainerPlatform, point: number) {
  let writes = 0;
  const process = { dead: false };
  const die = () => {
    process.dead = true;
    throw new Error('killed');
  };
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (process.dead) return die();
    writes += 1;
    if (writes === point) return die();
    return work();
  };
  const db: Store['db'] = { ...store.db, commit: (changes) => write(() => store.db.commit(changes)) };
  const dying: ContainerPlatform = { ...platform };
  for (const name of CALLS) {
    // Each takes what its original takes: the arguments are passed on as they are.
    const original = platform[name] as (...given: unknown[]) => Promise<void>;
    Object.assign(dying, { [name]: (...given: unknown[]) => write(() => original(...given)) });
  }
  return { process, store: { ...store, clock: () => store.clock(), db }, open: () => dying };
}

type Scene = Awaited<ReturnType<typeof openDeploymentScene>>;
type Run = ReturnType<typeof fakeCloudRun>;
interface Story {
  /** Brings the scene to where the story begins, with an ordinary process. @returns the deployment to be driven */
  readonly begin: (scene: Scene, run: Run) => Promise<string>;
  /** How it must end: the deployment's status, and what answers. */
  readonly status: string;
  readonly answers: (id: string) => Record<string, number>;
}

const live = async (scene: Scene, run: Run) => driveDeployment(scene.here, scene.ids, run.open);
const STORIES: Record<string, Story> = {
  'a version takes over by steps': {
    begin: () => Promise.resolve('dnext'),
    status: 'live',
    answers: () => ({ [NEXT]: 100 }),
  },
  'a canary does badly': {
    begin(_scene, run) {
      // Its revision is lost as soon as it has a share.
      run.hooks.directed = async () => void run.state.revisions.delete(NEXT);
      return Promise.resolve('dnext');
    },
    status: 'rolled-back',
    answers: () => ({ [FORMER]: 100 }),
  },
  'a live one is rolled back': {
    async begin(scene, run) {
      await live(scene, run);
      return (await rollBack(store, scene.ids, 'u', undefined)).id;
    },
    status: 'live',
    answers: () => ({ [FORMER]: 100 }),
  },
  'other settings': {
    async begin(scene, run) {
      await live(scene, run);
      await rescale(store, scene.ids, 'u', { maxInstances: 9 });
      return 'dnext';
    },
    status: 'live',
    answers: () => ({ [`${NEXT}-2`]: 100 }),
  },
  'the last one is stopped': {
    async begin(scene, run) {
      await live(scene, run);
      await stop(store, scene.ids, 'u', true);
      return 'dnext';
    },
    status: 'stopped',
    answers: () => ({}),
  },
};

let kills = 0;
afterAll(() => void process.stderr.write(`deployments: ${kills} kills, all brought to their end\n`));

test.each(Object.keys(STORIES))(
  '%s, killed before and after each write',
  async (name) => {
    const { begin, status, answers } = STORIES[name]!;
    for (let point = 1; ; point++) {
      const steps =
        name === 'a version takes over by steps' || name === 'a canary does badly' ? [10, 50] : [];
      const scene = await openDeploymentScene(store, true, {
        warmUp: 0,
        canary: { steps, bakeSeconds: 0 },
      });
      const run = fakeCloudRun(revision.address, FORMER);
      const id = await begin(scene, run);
      const ids = { ...scene.ids, deployment: id };
      const victim = mortal(run.open(), point);
      await driveDeployment({ ...scene.here, store: victim.store }, ids, victim.open).catch(() => undefined);
      if (!victim.process.dead) break;
      kills += 1;
      store.ahead += (LEASE_SECONDS + 1) * 1000;
      await driveDeployment(scene.here, ids, run.open);

      const label = `write ${point}`;
      const found = await scene.deployment(id);
      expect([label, found.status]).toEqual([label, status]);
      expect([label, run.state.traffic]).toEqual([label, answers(id)]);
      const { traffic } = (await mustRead(store, paths.model(ids.tenant, MODEL), Model, 'model')).value;
      for (const split of [...run.state.splits.map(Object.values), traffic.map(({ percent }) => percent)])
        if (split.length > 0) expect([label, split.reduce((sum, one) => sum + one, 0)]).toEqual([label, 100]);
      for (const other of ['dlive', 'dnext', id])
        expect(isOnItsWay((await scene.deployment(other)).status)).toBe(false);
      expect(await store.db.get(paths.lock(ids.tenant, MODEL, 'deployment'))).toBeNull();
      expect(await store.db.get(paths.watched(paths.deployment(ids.tenant, MODEL, id)))).toBeNull();
    }
  },
  120_000,
);
