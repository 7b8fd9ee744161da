import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { toError } from '#core/errors';
import { countAnswer, noAnswers } from '#core/service-health';
import { type Log, makeLog, writeToStdout } from '#runtime/log';
import { writeHealth } from '#store/service-health';
import { openServiceLog } from '#store/service-log';
import { makeId, now, type Store } from '#store/store';

/** What an instance tells of itself: its lines and its counts, kept with its deployment. */
export interface InstanceReport {
  /** Says on stdout and in the deployment's own log. */
  readonly log: Log;
  /** Counts an answer. */
  answered(status: number, milliseconds: number): void;
  /** Says why the instance cannot go on, once, and sees that it is written, for as long as a crash may wait. */
  crashed(reason: string, thrown: unknown): Promise<void>;
  /** The instance ends in order: what is left is written. */
  close(): Promise<void>;
}

/** How often counts are written, where they have changed. */
const WRITE_MILLISECONDS = 10_000;
/** How long a crash waits for its last lines. */
const LAST_WORDS_MS = 3000;

/**
 * Opens the report of an instance of `revision` below `deployment` (its path). That the instance has started is written at
 * once: from instances that start and never end a crash is told.
 * @param writeMilliseconds how often counts are written
 */
export function openInstanceReport(
  store: Store,
  deployment: string,
  revision: string,
  writeMilliseconds = WRITE_MILLISECONDS,
): InstanceReport {
  const instance = makeId(store, 'i');
  const lines = openServiceLog(store, deployment, instance);
  const log = makeLog(`recommender ${instance}`, store.clock, (line) => {
    writeToStdout(line);
    if (line.severity !== 'DEBUG') lines.write(line);
  });
  const counts = noAnswers();
  const startedAt = now(store);
  let written = -1;
  let writtenAt = 0;
  let writing = Promise.resolve();
  let over = false;

  const write = (state: 'up' | 'ended'): Promise<void> => {
    if (state === 'up' && counts.requests === written) return writing;
    written = counts.requests;
    writtenAt = store.clock();
    const account = {
      ...counts,
      latency: [...counts.latency],
      instance,
      revision,
      startedAt,
      at: now(store),
      state,
    };
    writing = writing
      .then(() => writeHealth(store, deployment, account))
      .catch((error: unknown) => {
        written = -1;
        // To stdout alone: the log is kept where the counts could not be.
        writeToStdout({
          at: now(store),
          severity: 'WARNING',
          source: instance,
          message: `counts not written yet: ${toError(error).message}`,
        });
      });
    return writing;
  };
  const timer = setInterval(() => void write('up'), writeMilliseconds);
  timer.unref();
  void write('up');

  return {
    log,
    answered(status, milliseconds) {
      countAnswer(counts, status, milliseconds);
      // Between requests the platform may let an instance sleep, and its timers with it.
      if (store.clock() - writtenAt >= writeMilliseconds) void write('up');
    },
    async crashed(reason, thrown) {
      if (over) return;
      over = true;
      log.error(reason, { error: inspect(thrown) });
      await Promise.race([Promise.all([lines.close(), write('up')]), sleep(LAST_WORDS_MS)]);
    },
    async close() {
      clearInterval(timer);
      await Promise.all([write('ended'), lines.close()]);
    },
  };
}

/** What nothing else has caught ends the process, but not before the deployment's log has it. */
export function reportCrashes(report: InstanceReport): void {
  const end = (thrown: unknown) => {
    void report.crashed('instance crashed', thrown).finally(() => process.exit(1));
  };
  process.once('uncaughtException', end);
  process.once('unhandledRejection', end);
}
