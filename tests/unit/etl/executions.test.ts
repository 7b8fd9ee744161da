import { TransientError } from '#core/errors';
import { ConflictError, type Database, type Snapshot, type Write } from '#cloud/firestore';
import { formatTenantKeys, tenantKeysOf } from '#store/tenant-keys';
import type { Store } from '#store/store';
import { startExecution } from '../../../functions/etl/executions.ts';

const installationKeys = { current: new Uint8Array(32).fill(9), former: [] };
const key = { tenant: 'tabc', model: 'mabc', run: 'rabc' };

/** The one document these need, with Firestore's guard. */
function oneRun(attempts: number): { store: Store; run: () => Snapshot['data'] } {
  let version = 1;
  const keys = new Map<string, Snapshot>();
  let data: Snapshot['data'] = {
    id: 'rabc',
    status: 'queued',
    requestedBy: 'u',
    tables: 1,
    counts: { rows: 0, bytes: 0, rejected: {} },
    failure: null,
    attempts,
    executor: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
  };
  const db: Pick<Database, 'get' | 'list' | 'commit'> = {
    get: async (path) =>
      path.startsWith('sealed/')
        ? (keys.get(path) ?? null)
        : { path, id: 'rabc', data: { ...data }, version: String(version) },
    list: async () => [],
    async commit(writes: readonly Write[]) {
      for (const write of writes) {
        if (write.kind === 'create')
          keys.set(write.path, { path: write.path, id: '', data: write.data, version: '1' });
        if (write.kind !== 'update') continue;
        if (write.version !== undefined && write.version !== String(version))
          throw new ConflictError('conflict', 'changed meanwhile');
        version++;
        data = { ...data, ...write.data };
      }
    },
  };
  // Only these three methods of the database are used here.
  const store = { db, clock: Date.now, random: (n: number) => new Uint8Array(n) } as unknown as Store;
  return { store, run: () => data };
}

function platform(behave: () => string, made: () => Promise<string[]> = async () => []) {
  const started: { job: string; env: Readonly<Record<string, string>>; tasks?: number }[] = [];
  const stopped: string[] = [];
  const containers = {
    startJob: async (job: string, options: { env: Readonly<Record<string, string>>; tasks?: number }) => {
      started.push({ job, ...options });
      return behave();
    },
    executionsWith: made,
    cancelExecution: async (execution: string) => void stopped.push(execution),
  };
  return { started, stopped, containers, installationKeys };
}

test('a message that comes twice, at once or later, starts one container', async () => {
  const { store, run } = oneRun(0);
  const containers = platform(() => 'executions/e1');
  await Promise.all([startExecution(store, containers, key, 0), startExecution(store, containers, key, 0)]);
  await startExecution(store, containers, key, 0);
  expect(containers.started).toEqual([
    {
      job: 'etl-runner',
      env: {
        TRADEWIND_TENANT: 'tabc',
        TRADEWIND_MODEL: 'mabc',
        TRADEWIND_RUN: 'rabc',
        TRADEWIND_TENANT_KEYS: formatTenantKeys(await tenantKeysOf(store, installationKeys, 'tabc')),
      },
      tasks: 1,
    },
  ]);
  expect(run()).toMatchObject({ attempts: 1, executions: 1, executor: 'executions/e1' });
});

test('where the platform does not answer nothing is counted, and the message’s next try starts it', async () => {
  const { store, run } = oneRun(0);
  const down = platform(() => {
    throw new TransientError('container-unavailable', 'no answer');
  });
  await expect(startExecution(store, down, key, 0)).rejects.toThrow('no answer');
  expect(run()).toMatchObject({ attempts: 0, executor: null });
  await startExecution(
    store,
    platform(() => 'executions/e2'),
    key,
    0,
  );
  expect(run()).toMatchObject({ attempts: 1, executor: 'executions/e2' });
});

test('a container whose making was never told is found, and no other is started', async () => {
  const { store, run } = oneRun(0);
  const lost = platform(
    () => {
      throw new TransientError('container-unavailable', 'no answer');
    },
    async () => ['executions/e1'],
  );
  await startExecution(store, lost, key, 0);
  expect(run()).toMatchObject({ attempts: 1, executions: 1, executor: 'executions/e1' });
  await startExecution(store, lost, key, 0);
  expect(lost.started).toHaveLength(1);
});

test('where nobody can say whether a container was made, the attempt stays counted', async () => {
  const { store, run } = oneRun(0);
  const silent = platform(
    () => {
      throw new TransientError('container-unavailable', 'no answer');
    },
    async () => {
      throw new TransientError('container-unavailable', 'no answer to that either');
    },
  );
  await expect(startExecution(store, silent, key, 0)).rejects.toThrow('no answer');
  expect(run()).toMatchObject({ attempts: 1, executor: null });
});

test('who stood still after counting asks for no container: somebody else may have counted and asked since', async () => {
  const { store, run } = oneRun(1);
  const containers = platform(() => 'executions/e1');
  let stood = 0;
  const paused: Store = {
    ...store,
    clock: () => Date.now() + stood,
    db: {
      ...store.db,
      list: async (...query) => {
        stood = 31_000;
        return store.db.list(...query);
      },
    },
  };
  await startExecution(paused, containers, key, 1);
  expect(containers.started).toEqual([]);
  // The attempt stays counted, so that the watch waits its time before it asks.
  expect(run()).toMatchObject({ attempts: 2, executor: null });
});
