import { z } from 'zod';
import { type LogLine, LogLine as LogLineSchema } from '#core/log';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

/*
 * The log of a service that runs for months, kept where its deployment is: chunk documents below the deployment that
 * Firestore removes by themselves (TTL on `expireAt`). Each instance writes its own, at most one in two seconds, and no
 * more lines than it may: what is too much is counted, not kept.
 */

/** Lines of one instance that are kept in a minute. */
export const LINES_PER_MINUTE = 60;
/** How long lines are kept. */
const KEEP_DAYS = 30;
const CHUNK_LINES = 50;
const FLUSH_MILLISECONDS = 2000;

const Chunk = z.object({ at: z.string(), lines: z.array(LogLineSchema).max(CHUNK_LINES) });

/** An instance's log being written. */
export interface ServiceLog {
  write(line: LogLine): void;
  /** Writes what is there now. Never throws: a log must not fail the work it tells of. */
  flush(): Promise<void>;
  /** Likewise, and no more after it. */
  close(): Promise<void>;
}

/** The log below `deployment` (its path), written by `instance`. */
export function openServiceLog(
  store: Pick<Store, 'db' | 'clock'>,
  deployment: string,
  instance: string,
): ServiceLog {
  let lines: LogLine[] = [];
  let minute = { began: store.clock(), kept: 0, left: 0 };
  let sequence = 0;
  let flushing = Promise.resolve();

  const sayWhatWasLeft = () => {
    if (minute.left === 0) return;
    const message = `${minute.left} more lines in a minute were not kept.`;
    lines.push({ at: moment(store), severity: 'WARNING', message, source: instance });
    minute.left = 0;
  };
  const flush = (): Promise<void> => {
    if (store.clock() - minute.began >= 60_000) {
      sayWhatWasLeft();
      minute = { began: store.clock(), kept: 0, left: 0 };
    }
    while (lines.length > 0) {
      const chunk = lines.slice(0, CHUNK_LINES);
      lines = lines.slice(CHUNK_LINES);
      const order = `${String(store.clock()).padStart(15, '0')}-${String(sequence++).padStart(6, '0')}`;
      const write = {
        kind: 'set' as const,
        path: `${paths.logs(deployment)}/${order}-${instance}`,
        data: {
          // Sorts the chunks, in the order in which they were written.
          at: `${moment(store)}-${order.slice(-6)}`,
          lines: chunk,
          expireAt: new Date(store.clock() + KEEP_DAYS * 86_400_000),
        },
      };
      flushing = flushing.then(() => store.db.commit([write])).catch(() => undefined);
    }
    return flushing;
  };
  const timer = setInterval(() => void flush(), FLUSH_MILLISECONDS);
  timer.unref();
  return {
    write(line) {
      if (minute.kept >= LINES_PER_MINUTE) minute.left += 1;
      else {
        minute.kept += 1;
        lines.push(line);
      }
    },
    flush,
    async close() {
      clearInterval(timer);
      sayWhatWasLeft();
      await flush();
    },
  };
}

/**
 * Lines of the log below `deployment`, newest first: at least `limit` where there are so many, and those of the same chunk.
 * @param after what the former page called `next`
 */
export async function readServiceLog(
  store: Pick<Store, 'db'>,
  deployment: string,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<{ items: LogLine[]; next: string | null }> {
  const collection = paths.logs(deployment);
  const items: LogLine[] = [];
  let last = after;
  for (;;) {
    const page = await store.db.list(collection, {
      orderBy: ['at', 'desc'],
      limit: 20,
      ...(last === undefined ? {} : { after: `${collection}/${last}` }),
    });
    for (const [place, chunk] of page.entries()) {
      items.push(...Chunk.parse(chunk.data).lines.toReversed());
      last = chunk.id;
      if (items.length < limit) continue;
      const more = place + 1 < page.length || page.length === 20;
      return { items, next: more ? chunk.id : null };
    }
    if (page.length < 20) return { items, next: null };
  }
}

function moment(store: Pick<Store, 'clock'>): string {
  return new Date(store.clock()).toISOString();
}
