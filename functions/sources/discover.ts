import type { SourceSession, TableDescription } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { TerminalError, TransientError } from '#core/errors';
import { paths } from '#core/paths';
import { Source, SourceTable } from '#core/source';
import type { Log } from '#runtime/log';
import { mustRead, readAll } from '#store/document';
import { accessOf, type ModelKey, sourceContext, type SourceWorld } from '#store/source-access';
import { now, type Store } from '#store/store';
import { planTables } from './plan-tables.ts';

/** Hosting ends a request at 60 s; people wait no longer than this. */
const LIMIT_SECONDS = 25;
const MAX_TABLES = 500;

/**
 * Reads the source's schema and stores its tables. May be called again at any time.
 * @throws TerminalError `no-tables`, `too-many-tables`; TransientError `discovery-slow`; whatever the connector throws.
 */
export async function discover(
  store: Store,
  world: SourceWorld,
  log: Log,
  key: ModelKey & { readonly source: string },
): Promise<SourceTable[]> {
  const path = paths.source(key.tenant, key.model, key.source);
  const source = (await mustRead(store, path, Source, 'source')).value;
  const found = await readSchema(store, world, key, source);
  for (const table of found) for (const note of table.notes) log.info(note, { table: table.name });
  const sources = await readAll(store, paths.sources(key.tenant, key.model), Source);
  const perSource = await Promise.all(
    sources.map((one) => readAll(store, paths.sourceTables(key.tenant, key.model, one.id), SourceTable)),
  );
  const all = perSource.flat();
  const { tables, gone } = planTables({
    source,
    found,
    known: all.filter((table) => table.source === source.id),
    taken: new Set(all.filter((table) => table.source !== source.id).map((table) => table.destination)),
    at: now(store),
  });
  const place = (id: string) => paths.sourceTable(key.tenant, key.model, key.source, id);
  const writes = [
    ...tables.map((table) => ({ kind: 'set' as const, path: place(table.id), data: table })),
    ...gone.map((id) => ({ kind: 'delete' as const, path: place(id) })),
  ];
  for (let at = 0; at < writes.length; at += 100) await store.db.commit(writes.slice(at, at + 100));
  return tables;
}

async function readSchema(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: Source,
): Promise<TableDescription[]> {
  const connector = connectors[source.settings.kind];
  const signal = AbortSignal.timeout(LIMIT_SECONDS * 1000);
  const access = await accessOf(store, world, key, source);
  try {
    const session = await connector.connect(access, sourceContext(world, key), signal);
    try {
      return await describeAll(session, source.name, signal);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!signal.aborted || error instanceof TerminalError) throw error;
    throw new TransientError(
      'discovery-slow',
      `"${source.name}" did not describe its tables within ${LIMIT_SECONDS} seconds.`,
      {
        remedy: 'Try again when the server is less busy, or give the user fewer schemas to see.',
        cause: error,
      },
    );
  }
}

async function describeAll(
  session: SourceSession,
  name: string,
  signal: AbortSignal,
): Promise<TableDescription[]> {
  const listed = await session.listTables();
  if (listed.length === 0)
    throw new TerminalError('no-tables', `"${name}" shows no tables to this user.`, {
      remedy: 'Give the user the right to read the tables (GRANT USAGE on the schema and SELECT on them).',
    });
  if (listed.length > MAX_TABLES)
    throw new TerminalError('too-many-tables', `"${name}" shows ${listed.length} tables.`, {
      remedy: `Use a user that sees at most ${MAX_TABLES}: only those that orders, customers and products need.`,
    });
  const found: TableDescription[] = [];
  for (const table of listed) {
    signal.throwIfAborted();
    found.push(await session.describe(table.name));
  }
  return found;
}
