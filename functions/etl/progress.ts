import { paths } from '#core/paths';
import { now } from '#store/store';
import type { Scope } from './scope.ts';

/** Live counts of one task, in a document of its own: at most one write a second, and never what guards a transition. */
export interface Progress {
  /** Totals of the unit that is read now. */
  reading(table: string, rows: number, bytes: number): void;
  /** The unit is done; its totals are kept. */
  read(table: string, rows: number, bytes: number): void;
  /** Writes the last state. Never throws: counts must not fail the work. */
  close(): Promise<void>;
}

interface Count {
  rows: number;
  bytes: number;
}

const EVERY_MILLISECONDS = 1000;

/** Progress of this task of the run. */
export function openProgress(scope: Pick<Scope, 'store' | 'path' | 'task'>): Progress {
  const done = new Map<string, Count>();
  let current: { readonly table: string; readonly count: Count } | null = null;
  let changed = false;
  let writing = Promise.resolve();

  const write = (): void => {
    if (!changed) return;
    changed = false;
    const totals = new Map([...done].map(([table, count]) => [table, { ...count }]));
    if (current !== null) {
      const sum = totals.get(current.table) ?? { rows: 0, bytes: 0 };
      totals.set(current.table, {
        rows: sum.rows + current.count.rows,
        bytes: sum.bytes + current.count.bytes,
      });
    }
    const data = { task: scope.task, at: now(scope.store), tables: Object.fromEntries(totals) };
    writing = writing
      .then(() =>
        scope.store.db.commit([{ kind: 'set', path: paths.progress(scope.path, scope.task), data }]),
      )
      .catch(() => undefined);
  };
  const timer = setInterval(write, EVERY_MILLISECONDS);
  timer.unref();

  return {
    reading(table, rows, bytes) {
      current = { table, count: { rows, bytes } };
      changed = true;
    },
    read(table, rows, bytes) {
      const sum = done.get(table) ?? { rows: 0, bytes: 0 };
      done.set(table, { rows: sum.rows + rows, bytes: sum.bytes + bytes });
      current = null;
      changed = true;
    },
    async close() {
      clearInterval(timer);
      write();
      await writing;
    },
  };
}
