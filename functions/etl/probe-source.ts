import type { SourceSession, TableDescription } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { type Failure, toFailure } from '#core/errors';
import type { PreflightCheck } from '#core/preflight';
import type { Source, SourceTable } from '#core/source';
import { accessOf, type ModelKey, sourceContext, type SourceWorld } from '#store/source-access';
import type { Store } from '#store/store';
import { failed, passed } from './preflight-checks.ts';

/** What a source says of a table now, or why it does not. */
export type Described = TableDescription | Failure;

/** What came of asking a source: whether it is to be reached, and each table as it is there now. */
export interface Probed {
  readonly reached: PreflightCheck;
  /** Connections that its server lets the user hold at once; null where it sets no limit, or was not reached. */
  readonly allowed: number | null;
  /** None where the source is not to be reached. */
  readonly tables: readonly {
    readonly table: SourceTable;
    readonly described: Described;
    /** What reading it costs its owner; null where it costs nothing. */
    readonly cost: PreflightCheck | null;
  }[];
}

/** Tests a source step by step, then describes `tables`. Reads no rows but the one of the test. Never throws. */
export async function probeSource(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  source: Source,
  tables: readonly SourceTable[],
  signal: AbortSignal,
): Promise<Probed> {
  const connector = connectors[source.settings.kind];
  const check = 'source-reachable';
  let session: SourceSession | undefined;
  try {
    const access = await accessOf(store, world, key, source);
    const context = await sourceContext(store, world, key);
    for await (const step of connector.test(access, context, signal))
      if (step.status === 'failed') {
        return { reached: failed(check, source.name, step), allowed: null, tables: [] };
      }
    session = await connector.connect(access, context, signal);
    const allowed = (await session.connectionsAllowed?.()) ?? null;
    const found: Probed['tables'][number][] = [];
    for (const table of tables) {
      const described = await describe(session, table, signal);
      const cost = 'code' in described ? null : await costOf(session, table, signal);
      found.push({ table, described, cost });
    }
    return {
      reached: passed(check, source.name, `"${source.name}" answers and may be read.`),
      allowed,
      tables: found,
    };
  } catch (error) {
    return { reached: failed(check, source.name, silence(source, signal, error)), allowed: null, tables: [] };
  } finally {
    await session?.close();
  }
}

async function describe(session: SourceSession, table: SourceTable, signal: AbortSignal): Promise<Described> {
  try {
    return await session.describe(table.name);
  } catch (error) {
    signal.throwIfAborted();
    return toFailure(error);
  }
}

async function costOf(
  session: SourceSession,
  { name, excluded }: SourceTable,
  signal: AbortSignal,
): Promise<PreflightCheck | null> {
  try {
    const cost = (await session.costOf?.(name, excluded)) ?? null;
    return cost === null ? null : passed('cost', name, cost);
  } catch (error) {
    signal.throwIfAborted();
    return failed('cost', name, toFailure(error));
  }
}

function silence(source: Source, signal: AbortSignal, error: unknown): Pick<Failure, 'message' | 'remedy'> {
  if (!signal.aborted) return toFailure(error);
  return {
    message: `"${source.name}" had not answered everything when the time for looking was over.`,
    remedy: 'Test its connection, or look at fewer tables at a time.',
  };
}
