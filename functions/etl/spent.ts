import { z } from 'zod';
import { readAll } from '#store/document';
import type { Store } from '#store/store';
import type { Scope } from './scope.ts';

/** `…/etlRuns/{r}/spent/{process}`: how long one process has been at work on the run. Written by it alone. */
const Spent = z.object({ task: z.int(), seconds: z.number() });

/** A process that is killed has told of all but its last ten seconds. */
const EVERY_MILLISECONDS = 10_000;

function spentPath(run: string): string {
  return `${run}/spent`;
}

/** How long this process works on the run, told now and then. `tell` tells it now; it never throws. */
export interface SpentTold {
  readonly tell: () => Promise<void>;
  readonly close: () => void;
}

/** Begins to count this process's time. */
export function openSpent({
  store,
  path,
  task,
  holder,
}: Pick<Scope, 'store' | 'path' | 'task' | 'holder'>): SpentTold {
  const since = performance.now();
  let writing = Promise.resolve();
  const tell = (): Promise<void> => {
    const data = { task, seconds: Math.round((performance.now() - since) / 100) / 10 };
    writing = writing
      .then(() => store.db.commit([{ kind: 'set', path: `${spentPath(path)}/${holder}`, data }]))
      .catch(() => undefined);
    return writing;
  };
  const timer = setInterval(() => void tell(), EVERY_MILLISECONDS);
  timer.unref();
  return { tell, close: () => clearInterval(timer) };
}

/** Seconds that containers have been at work on the run at `path`, over all tasks and tries. */
export async function spentOn(store: Pick<Store, 'db'>, path: string): Promise<number> {
  const spent = await readAll(store, spentPath(path), Spent);
  return Math.round(spent.reduce((sum, one) => sum + one.seconds, 0) * 10) / 10;
}
