import { randomBytes } from 'node:crypto';
import { openDatabase } from '#cloud/firestore';
import { openBus } from '#cloud/pubsub';
import type { Store } from '#store/store';
import { type Config, readConfig } from './config.ts';
import { type Log, makeLog, writeToStdout } from './log.ts';

/** What every handler gets: the installation's configuration, the store, and a log. */
export interface Platform {
  readonly config: Config;
  readonly store: Store;
  readonly log: Log;
}

let shared: { config: Config; store: Store } | undefined;

/** The platform of this process: made once, at the first call, from the process's environment. `source` names the log. */
export function platform(source: string): Platform {
  shared ??= connect(readConfig(process.env));
  return { ...shared, log: makeLog(source, Date.now, writeToStdout) };
}

function connect(config: Config): { config: Config; store: Store } {
  return {
    config,
    store: {
      db: openDatabase(config.projectId),
      bus: openBus(config.projectId),
      clock: Date.now,
      random: (n) => randomBytes(n),
    },
  };
}

/** Closes what this process has opened, so that it can end by itself. */
export async function disconnect(): Promise<void> {
  if (shared === undefined) return;
  const { store } = shared;
  shared = undefined;
  await Promise.allSettled([store.db.close(), store.bus.close()]);
}
