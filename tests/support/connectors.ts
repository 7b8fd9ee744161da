/** What tests of connectors share: a world to run in, and whole extractions. */
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import type {
  ConnectorContext,
  ExtractRequest,
  ObjectReader,
  Reject,
  SourceSession,
  Unit,
} from '#connectors/connector';
import { makeTableWriter } from '#columnar/table-writer';
import type { Column } from '#core/column';
import { addTallies, emptyTally, type TableTally } from '#core/tally';
import { TerminalError } from '#core/errors';
import { makeMemorySink } from './parquet.ts';

/** Objects in memory by address; putting one again makes a new generation, and old ones stay readable. */
export interface MemoryObjects extends ObjectReader {
  put(uri: string, bytes: Uint8Array | string): void;
}

export function makeMemoryObjects(): MemoryObjects {
  const versions = new Map<string, Uint8Array[]>();
  return {
    put(uri, bytes) {
      versions.set(uri, [...(versions.get(uri) ?? []), Buffer.from(bytes)]);
    },
    async stat(uri) {
      const known = versions.get(uri);
      if (known === undefined) return null;
      return { uri, generation: String(known.length), bytes: known.at(-1)?.length ?? 0 };
    },
    async *open(uri, generation) {
      const bytes = versions.get(uri)?.[Number(generation) - 1];
      if (bytes === undefined) throw new TerminalError('object-not-found', `There is no object ${uri}.`);
      // Odd sizes: records and characters are cut anywhere.
      for (let at = 0; at < bytes.length; at += 65_521) yield bytes.subarray(at, at + 65_521);
    },
    async range(uri, generation, start, end) {
      const bytes = versions.get(uri)?.[Number(generation) - 1];
      if (bytes === undefined) throw new TerminalError('object-not-found', `There is no object ${uri}.`);
      return bytes.slice(start, end);
    },
    async *list(prefix) {
      const found = Array.from(versions, ([uri, all]) => ({
        uri,
        generation: String(all.length),
        bytes: all.at(-1)?.length ?? 0,
      })).filter(({ uri }) => uri.startsWith(prefix));
      const sorted = found.sort((a, b) => (a.uri < b.uri ? -1 : 1));
      // Small pages: whoever looks at one only misses the rest.
      for (let at = 0; at < sorted.length; at += 7) yield sorted.slice(at, at + 7);
    },
  };
}

/** A world where the loopback is allowed, as the local cloud allows it for its own database. */
export function makeTestContext(objects: ObjectReader = makeMemoryObjects()): ConnectorContext {
  return {
    hosts: makeHostGuard(parseAllowedHosts('127.0.0.1,localhost,[::1]'), resolveLocally),
    objects,
    bigQuery: () => {
      throw new Error('this test has no BigQuery');
    },
    cloudSql: () => {
      throw new Error('this test has no Cloud SQL');
    },
    now: () => performance.now(),
  };
}

/** Knows `localhost` only: tests ask no name server. */
async function resolveLocally(host: string): Promise<readonly string[]> {
  if (host === 'localhost') return ['127.0.0.1'];
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
}

/** What an extraction of several units brought. */
export interface Extracted {
  readonly files: readonly Uint8Array<ArrayBuffer>[];
  readonly tally: TableTally;
  readonly rejects: readonly Reject[];
}

/** Extracts `units` one after the other, each into a file of its own. */
export async function extractAll(
  session: SourceSession,
  units: readonly Unit[],
  columns: readonly Column[],
  signal = new AbortController().signal,
  chosen: Pick<ExtractRequest, 'filter' | 'limit'> = {},
): Promise<Extracted> {
  const files: Uint8Array<ArrayBuffer>[] = [];
  const rejects: Reject[] = [];
  let tally = emptyTally(columns.map(({ name }) => name));
  for (const unit of units) {
    const sink = makeMemorySink();
    const writer = makeTableWriter(columns, sink);
    const result = await session.extract({
      unit,
      columns,
      writer,
      ...chosen,
      reject: (reject) => rejects.push(reject),
      signal,
    });
    const own = await writer.close();
    expect(result.rows).toBe(own.rows);
    tally = addTallies(tally, own);
    files.push(sink.bytes());
  }
  return { files, tally, rejects };
}
