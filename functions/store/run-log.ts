import { LogChunk, type LogLine } from '#core/log';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

/** A run's log being written: lines are gathered into chunk documents, at most one write in two seconds. */
export interface RunLog {
  write(line: LogLine): void;
  /** Writes what is left. Never throws: a log must not fail the work it tells of. */
  close(): Promise<void>;
}

const CHUNK_LINES = 200;
const FLUSH_MILLISECONDS = 2000;

/** The log of the run at `run`, written by `writer` (a task, a function). Chunk ids sort by time, then writer. */
export function openRunLog(store: Store, run: string, writer: string): RunLog {
  let lines: LogLine[] = [];
  let sequence = 0;
  let flushing = Promise.resolve();
  const flush = () => {
    if (lines.length === 0) return;
    const chunk = lines.slice(0, CHUNK_LINES);
    lines = lines.slice(CHUNK_LINES);
    const order = `${String(store.clock()).padStart(15, '0')}-${String(sequence++).padStart(5, '0')}`;
    const path = `${paths.logs(run)}/${order}-${writer.replace(/[^a-z0-9-]/gi, '')}`;
    flushing = flushing
      .then(() => store.db.commit([{ kind: 'set', path, data: { lines: chunk } }]))
      .catch(() => undefined);
  };
  const timer = setInterval(flush, FLUSH_MILLISECONDS);
  timer.unref();
  return {
    write(line) {
      lines.push(line);
      if (lines.length >= CHUNK_LINES) flush();
    },
    async close() {
      clearInterval(timer);
      while (lines.length > 0) flush();
      await flushing;
    },
  };
}

/** All lines of the run's log so far, in order. */
export async function readRunLog(store: Pick<Store, 'db'>, run: string): Promise<LogLine[]> {
  const chunks = await store.db.list(paths.logs(run), { limit: 500 });
  return chunks
    .flatMap((chunk) => LogChunk.parse(chunk.data).lines)
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
