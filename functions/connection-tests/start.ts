import type { ConnectionTest } from '#core/connection-test';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { mustRead } from '#store/document';
import type { Watched } from '#store/exclusive';
import type { ModelKey } from '#store/source-access';
import { commitChange, makeId, now, type Store } from '#store/store';

/** Writes a test to be done; the event function does it, for it may take longer than a request may. */
export async function startTest(
  store: Store,
  { tenant, model }: ModelKey,
  actor: string,
  source: string,
): Promise<ConnectionTest> {
  await mustRead(store, paths.source(tenant, model, source), Source, 'source');
  const id = makeId(store, 'c');
  const path = paths.connectionTest(tenant, model, id);
  const test: ConnectionTest = {
    id,
    source,
    status: 'queued',
    steps: [],
    failure: null,
    createdAt: now(store),
    finishedAt: null,
  };
  const watched: Watched = { kind: 'connection-test', path, tenant, model, id };
  await commitChange(store, {
    writes: [
      { kind: 'create', path, data: test },
      { kind: 'create', path: paths.watched(path), data: watched },
    ],
    announcements: [announce('connection-test-requested', { tenant, model, test: id })],
    audit: { tenant, actor, action: 'source.test', target: path },
  });
  return test;
}
