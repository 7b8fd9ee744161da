import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
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
/** A document holds 1 MiB. */
const CHUNK_BYTES = 700_000;
const FLUSH_MILLISECONDS = 2000;
/** Pauses before a chunk that could not be written is written again. */
const AGAIN_MILLISECONDS: readonly number[] = [500, 2000];

/** The log of the run at `run`, written by `writer` (a task, a function). Chunk ids sort by time, then writer. */
export function openRunLog(store: Store, run: string, writer: string, again = AGAIN_MILLISECONDS): RunLog {
  let lines: LogLine[] = [];
  let bytes = 0;
  let sequence = 0;
  let lost = 0;
  let flushing = Promise.resolve();

  const flush = () => {
    if (lines.length === 0) return;
    const chunk = lines;
    [lines, bytes] = [[], 0];
    const order = `${String(store.clock()).padStart(15, '0')}-${String(sequence++).padStart(5, '0')}`;
    const path = `${paths.logs(run)}/${order}-${writer.replace(/[^a-z0-9-]/gi, '')}`;
    flushing = flushing.then(() => put(path, chunk));
  };
  /** The same document each time: one that was written, though its answer was lost, is not there twice. */
  const put = async (path: string, chunk: LogLine[]): Promise<void> => {
    for (const pause of [...again, null])
      try {
        await store.db.commit([{ kind: 'set', path, data: { lines: chunk } }]);
        return;
      } catch {
        if (pause !== null) await sleep(pause);
      }
    lost += chunk.length;
  };
  const add = (line: LogLine) => {
    const length = Buffer.byteLength(JSON.stringify(line));
    if (bytes + length > CHUNK_BYTES) flush();
    lines.push(line);
    bytes += length;
    if (lines.length >= CHUNK_LINES) flush();
  };

  const timer = setInterval(flush, FLUSH_MILLISECONDS);
  timer.unref();
  return {
    write(line) {
      if (lost > 0) {
        const message = `${lost} lines before this one could not be written.`;
        lost = 0;
        add({ at: line.at, severity: 'WARNING', message, source: line.source });
      }
      add(line);
    },
    async close() {
      clearInterval(timer);
      flush();
      await flushing;
    },
  };
}

/** All lines of the run's log so far, in order. */
export async function readRunLog(store: Pick<Store, 'db'>, run: string): Promise<LogLine[]> {
  const chunks = await store.db.list(paths.logs(run), { limit: 500 });
  return inOrder(chunks.flatMap((chunk) => LogChunk.parse(chunk.data).lines));
}

/** Where a reader of a log goes on, and how much they want. */
export interface LogQuery {
  /** `next` of the former page. */
  readonly after?: string | undefined;
  /** Lines: reached, and passed only to the end of a chunk. */
  readonly limit: number;
}

/** Chunks read at a time: each has at most CHUNK_LINES lines, most have far fewer. */
const CHUNKS = 50;
/** A chunk's id is the moment it was begun to be written; so long it may take until it is there, clocks that differ included. */
const LATE_MILLISECONDS = 20_000;
/** Chunks younger than that which a reader's place can name; beyond, late ones are passed over. */
const NAMED = 300;

/** A reader's place: all chunks up to `base` were read, and of those after it the `seen`. */
interface Place {
  readonly base: string | null;
  readonly seen: ReadonlySet<string>;
}

/**
 * A page of the run's log. `next`: the `after` of what follows, also of what is yet to be said; null where nothing has been
 * said at all. `more`: whether more is there now. Lines are in order within a page. What is written late, between chunks
 * that were read before, comes with a later page: each line comes once.
 */
export async function readRunLogPage(
  store: Pick<Store, 'db' | 'clock'>,
  run: string,
  { after, limit }: LogQuery,
): Promise<{ lines: LogLine[]; next: string | null; more: boolean }> {
  const collection = paths.logs(run);
  const lines: LogLine[] = [];
  const start = parsePlace(after);
  const read: string[] = [];
  const page = (more: boolean) => ({
    lines: inOrder(lines),
    next: formatPlace(start, read, store.clock()),
    more,
  });
  for (let last = start.base; ;) {
    const chunks = await store.db.list(collection, {
      limit: CHUNKS,
      ...(last === null ? {} : { after: `${collection}/${last}` }),
    });
    for (const [index, chunk] of chunks.entries()) {
      last = chunk.id;
      read.push(chunk.id);
      if (start.seen.has(short(chunk.id))) continue;
      lines.push(...LogChunk.parse(chunk.data).lines);
      const isLast = index === chunks.length - 1 && chunks.length < CHUNKS;
      if (lines.length >= limit && !isLast) return page(true);
    }
    if (chunks.length < CHUNKS) return page(false);
  }
}

function parsePlace(text: string | undefined): Place {
  if (text === undefined) return { base: null, seen: new Set() };
  const [base = '', ...seen] = text.split('.');
  return { base: base === '' ? null : base, seen: new Set(seen) };
}

/** The place of a reader who began at `start` and has `read` these, in order. */
function formatPlace(start: Place, read: readonly string[], clock: number): string | null {
  const settled = read.findLastIndex((id) => Number(id.slice(0, 15)) < clock - LATE_MILLISECONDS);
  const cut = Math.max(settled, read.length - 1 - NAMED);
  const base = read[cut] ?? start.base;
  const young = read.slice(cut + 1).map(short);
  return base === null && young.length === 0 ? null : [base ?? '', ...young].join('.');
}

function short(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 8);
}

function inOrder(lines: readonly LogLine[]): LogLine[] {
  return lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
