/** The ETL runner in the test's own process: the test plays the platform, and what happens at any write. */
import { randomBytes } from 'node:crypto';
import { openDatabase, type Write } from '#cloud/firestore';
import type { Bus } from '#cloud/pubsub';
import { EtlRun, EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import { readConfig } from '#runtime/config';
import type { JobContext } from '#runtime/job';
import { makeLog } from '#runtime/log';
import { mustRead, readAll } from '#store/document';
import type { Store } from '#store/store';

/** A bus that says nothing: no message starts a container. */
const silent: Bus = { publish: async () => undefined, close: async () => undefined };

export interface TestRunner {
  readonly store: Store;
  /** Milliseconds added to the store's clock. */
  ahead: number;
  /** A run as the API writes it, never given to the platform; answers its id. */
  newRun(more?: Partial<EtlRun>): Promise<string>;
  /** What a container's only task works with. */
  context(run: string, on?: Store): JobContext;
  /** The run as it stands, with its tables. */
  state(run: string): Promise<EtlRun & { perTable: EtlTable[] }>;
  /** The store with `before` called before each commit; what it throws is thrown by the commit. */
  watched(before: (writes: readonly Write[]) => Promise<void>): Store;
  close(): Promise<void>;
}

/** A runner for the runs of one model. */
export function openTestRunner({ tenant, model }: { tenant: string; model: string }): TestRunner {
  const config = readConfig(process.env);
  const db = openDatabase(config.projectId);
  const store: Store = {
    db,
    bus: silent,
    clock: () => Date.now() + runner.ahead,
    random: (n) => randomBytes(n),
  };
  const runner: TestRunner = {
    store,
    ahead: 0,
    async newRun(more = {}) {
      // Job ids are unique in a project for ever, and made from the run's.
      const id = `r${randomBytes(8).toString('hex')}`;
      const data = EtlRun.parse({
        id,
        status: 'queued',
        requestedBy: 'test',
        tables: 1,
        counts: { rows: 0, bytes: 0, rejected: {} },
        failure: null,
        attempts: 1,
        executor: 'test',
        createdAt: new Date().toISOString(),
        startedAt: null,
        finishedAt: null,
        ...more,
      });
      await db.commit([{ kind: 'set', path: paths.etlRun(tenant, model, id), data }]);
      return id;
    },
    context: (run, on = store) => ({
      config,
      store: on,
      log: makeLog('test', Date.now, () => undefined),
      env: { TRADEWIND_TENANT: tenant, TRADEWIND_MODEL: model, TRADEWIND_RUN: run },
      signal: new AbortController().signal,
      task: 0,
      tasks: 1,
      attempt: 0,
      holder: `test-${randomBytes(4).toString('hex')}`,
    }),
    async state(run) {
      const { value } = await mustRead(store, paths.etlRun(tenant, model, run), EtlRun, 'run');
      const perTable = await readAll(store, paths.etlTables(tenant, model, run), EtlTable);
      return { ...value, perTable: perTable.sort((a, b) => (a.name < b.name ? -1 : 1)) };
    },
    watched: (before) => ({
      ...store,
      db: {
        ...db,
        async commit(writes) {
          await before(writes);
          await db.commit(writes);
        },
      },
    }),
    close: () => db.close(),
  };
  return runner;
}
