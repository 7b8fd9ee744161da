import { randomBytes } from 'node:crypto';
import { openDatabase } from '#cloud/firestore';
import type { Bus } from '#cloud/pubsub';
import type { Store } from '#store/store';

/** A store on the running Firestore emulator whose messages are kept instead of sent, with a clock that can be set. */
export interface TestStore extends Store {
  readonly published: { topic: string; payload: unknown }[];
  /** Milliseconds added to the real time. */
  ahead: number;
  /** While true, publishing fails. */
  busDown: boolean;
}

/** A project of the emulator that the running functions do not look into: for runs that only a test may touch. */
export const APART = 'demo-apart';

/** Opens one; close `db` at the end. */
export function openTestStore(
  projectId = process.env['GOOGLE_CLOUD_PROJECT'] ?? 'demo-tradewind',
): TestStore {
  const published: TestStore['published'] = [];
  const bus: Bus = {
    publish(topic, payload) {
      if (store.busDown) return Promise.reject(new Error('the bus is down'));
      published.push({ topic, payload });
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  const store: TestStore = {
    db: openDatabase(projectId),
    bus,
    clock: () => Date.now() + store.ahead,
    random: (n) => randomBytes(n),
    published,
    ahead: 0,
    busDown: false,
  };
  return store;
}

/** A tenant id of its own for each test: tests share the database and never meet. */
export function freshTenant(): string {
  return `t${randomBytes(6).toString('hex')}`;
}
