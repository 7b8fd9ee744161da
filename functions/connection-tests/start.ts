import { ConnectionTest } from '#core/connection-test';
import { TerminalError } from '#core/errors';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { create, mustRead } from '#store/document';
import type { Watched } from '#store/exclusive';
import { mustBeActive } from '#store/model-access';
import type { ModelKey } from '#store/source-access';
import { makeId, now, type Store } from '#store/store';

/** What a test found is of use for a while. */
const KEPT_DAYS = 30;

/** Writes a test to be done; the event function does it, for it may take longer than a request may. */
export async function startTest(
  store: Store,
  { tenant, model }: ModelKey,
  actor: string,
  source: string,
): Promise<ConnectionTest> {
  await mustBeActive(store, tenant, model);
  const found = await mustRead(store, paths.source(tenant, model, source), Source, 'source');
  if (found.value.deletedAt !== null)
    throw new TerminalError('not-found', `The source "${found.value.name}" (${source}) is deleted.`, {
      remedy: 'Restore it first; it can be restored until it goes for good.',
    });
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
  return create(store, path, ConnectionTest, test, {
    writes: [
      { kind: 'create', path: paths.watched(path), data: watched },
      // Firestore's TTL policy on `connectionTests` removes it then.
      { kind: 'update', path, data: { expireAt: new Date(store.clock() + KEPT_DAYS * 86_400_000) } },
    ],
    announcements: [announce('connection-test-requested', { tenant, model, test: id })],
    audit: { tenant, actor, action: 'source.test', target: path },
  });
}
