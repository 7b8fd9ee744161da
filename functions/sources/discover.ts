import { ConflictError, type Write } from '#cloud/firestore';
import type { SourceSession, TableDescription } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { Dataset } from '#core/dataset';
import { TerminalError, TransientError } from '#core/errors';
import { paths } from '#core/paths';
import { rawTablesOf, Source, SourceTable } from '#core/source';
import { readersOf } from '#core/table-drift';
import type { Log } from '#runtime/log';
import { readAll } from '#store/document';
import { mustBeActive } from '#store/model-access';
import { mustReadLive } from '#store/resource';
import { accessOf, type ModelKey, sourceContext, type SourceWorld } from '#store/source-access';
import { type AuditEntry, commitChange, now, type Store } from '#store/store';
import { planTables } from './plan-tables.ts';
import { resourceOf, type SourceKey } from './sources.ts';

/** Hosting ends a request at 60 s; people wait no longer than this. */
const LIMIT_SECONDS = 25;
const MAX_TABLES = 500;
/** Plans made before a discovery gives way to people who keep choosing. */
const MAX_PLANS = 5;

/**
 * Reads the source's schema and stores its tables. May be called again at any time.
 * @throws TerminalError `not-found`, `model-archived`, `no-tables`, `too-many-tables`; TransientError `discovery-slow`; whatever the connector throws.
 */
export async function discover(
  store: Store,
  world: SourceWorld,
  log: Log,
  key: SourceKey,
  actor: string,
  limitSeconds = LIMIT_SECONDS,
): Promise<SourceTable[]> {
  await mustBeActive(store, key.tenant, key.model);
  const source = (await mustReadLive(store, resourceOf(key))).value;
  const found = await readSchema(store, world, key, source, limitSeconds);
  for (let attempt = 1; ; attempt++) {
    try {
      const tables = await storeTables(store, key, actor, source, found);
      for (const { name, notes } of tables) for (const note of notes) log.info(note, { table: name });
      return tables;
    } catch (error) {
      // Somebody chose otherwise in between: what they chose is kept, and the plan made anew.
      if (!(error instanceof ConflictError) || attempt === MAX_PLANS) throw error;
    }
  }
}

/** Writes what was found over what is known, each table only as it was when it was read. @throws ConflictError */
async function storeTables(
  store: Store,
  key: SourceKey,
  actor: string,
  source: Source,
  found: readonly TableDescription[],
): Promise<SourceTable[]> {
  const others = (await readAll(store, paths.sources(key.tenant, key.model), Source)).filter(
    (one) => one.id !== source.id,
  );
  const tablesOf = (id: string) => store.db.list(paths.sourceTables(key.tenant, key.model, id));
  const [known, ...elsewhere] = await Promise.all(
    [source, ...others].map(async ({ id }) =>
      (await tablesOf(id)).map(({ data, version }) => ({ table: SourceTable.parse(data), version })),
    ),
  );
  const datasets = await readAll(store, paths.datasets(key.tenant, key.model), Dataset);
  const versions = new Map((known ?? []).map(({ table, version }) => [table.id, version]));
  const { tables, gone } = planTables({
    source,
    found,
    known: (known ?? []).map(({ table }) => table),
    taken: new Set(elsewhere.flat().flatMap(({ table }) => rawTablesOf(table))),
    readers: readersOf(datasets),
    at: now(store),
  });
  const place = (id: string) => paths.sourceTable(key.tenant, key.model, key.source, id);
  const writes = [
    ...tables.map((table): Write => {
      const version = versions.get(table.id);
      const path = place(table.id);
      return version === undefined
        ? { kind: 'create', path, data: table }
        : { kind: 'update', path, data: table, version };
    }),
    ...gone.map((id): Write => ({ kind: 'delete', path: place(id), version: versions.get(id) ?? '' })),
  ];
  for (let at = 0; at < Math.max(writes.length, 1); at += 100)
    await commitChange(store, {
      writes: writes.slice(at, at + 100),
      ...(at > 0 ? {} : { audit: audited(key, actor, tables, gone) }),
    });
  return tables;
}

function audited(
  key: SourceKey,
  actor: string,
  tables: readonly SourceTable[],
  gone: readonly string[],
): AuditEntry {
  return {
    tenant: key.tenant,
    actor,
    action: 'source.discover',
    target: resourceOf(key).path,
    after: { tables: tables.length, gone: [...gone] },
  };
}

async function readSchema(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: Source,
  limitSeconds: number,
): Promise<TableDescription[]> {
  const connector = connectors[source.settings.kind];
  const signal = AbortSignal.timeout(limitSeconds * 1000);
  const access = await accessOf(store, world, key, source);
  const context = await sourceContext(store, world, key);
  let step = 'signing in';
  const at = (next: string) => {
    step = next;
  };
  try {
    const session = await connector.connect(access, context, signal);
    try {
      return await describeAll(session, source.name, signal, at);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!signal.aborted || error instanceof TerminalError) throw error;
    throw new TransientError(
      'discovery-slow',
      `"${source.name}" did not describe its tables within ${limitSeconds} seconds; it was ${step}.`,
      {
        remedy: 'Try again when the server is less busy, or give the user fewer schemas to see.',
        cause: error,
      },
    );
  }
}

/** The source's tables with their columns; `at` hears what is being done. @throws TerminalError `no-tables`, `too-many-tables` */
export async function describeAll(
  session: SourceSession,
  name: string,
  signal: AbortSignal,
  at: (step: string) => void,
): Promise<TableDescription[]> {
  at('listing its tables');
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
    at(`describing "${table.name}"`);
    found.push(await session.describe(table.name));
  }
  return found;
}
