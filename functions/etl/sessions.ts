import type { ObjectReader, SourceSession } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { mustRead } from '#store/document';
import { accessOf, sourceContext } from '#store/source-access';
import type { Scope } from './scope.ts';
import type { Seat } from './source-use.ts';

/** A source of the model as it is now. */
export async function readSource({ store, key }: Scope, sourceId: string): Promise<Source> {
  const path = paths.source(key.tenant, key.model, sourceId);
  return (await mustRead(store, path, Source, 'source')).value;
}

/** A new session with a source of the model; the caller closes it, which frees its seat. */
export async function openSession(scope: Scope, source: Source, seat: Seat): Promise<SourceSession> {
  const { store, config, key } = scope;
  try {
    const access = await accessOf(store, config, key, source);
    const context = await sourceContext(store, config, key);
    const session = await connectors[source.settings.kind].connect(access, context, scope.signal);
    return {
      ...session,
      async close() {
        await session.close();
        await seat.free();
      },
    };
  } catch (error) {
    await seat.free();
    throw error;
  }
}

/**
 * A session of a source of files over `objects` of our own; the caller closes it. Nothing of the source itself is touched, so
 * it takes no seat.
 */
export async function openOver(
  { store, config, key, signal }: Scope,
  source: Source,
  objects: ObjectReader,
): Promise<SourceSession> {
  const access = { settings: source.settings, credentials: null };
  const context = await sourceContext(store, config, key);
  return connectors[source.settings.kind].connect(access, { ...context, objects }, signal);
}
