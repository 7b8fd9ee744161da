import type { SourceSession } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { mustRead } from '#store/document';
import { accessOf, sourceContext } from '#store/source-access';
import type { Scope } from './scope.ts';

/** A source of the model as it is now. */
export async function readSource({ store, key }: Scope, sourceId: string): Promise<Source> {
  const path = paths.source(key.tenant, key.model, sourceId);
  return (await mustRead(store, path, Source, 'source')).value;
}

/** A new session with a source of the model; the caller closes it. */
export async function openSession(scope: Scope, source: Source): Promise<SourceSession> {
  const { store, config, key } = scope;
  const access = await accessOf(store, config, key, source);
  const context = await sourceContext(store, config, key);
  return connectors[source.settings.kind].connect(access, context, scope.signal);
}
