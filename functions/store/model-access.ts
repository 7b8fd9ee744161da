import { TerminalError } from '#core/errors';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { mustRead, type Stored } from './document.ts';
import type { Store } from './store.ts';

/**
 * The model, unless it is deleted: for whatever is added to it or changed below it.
 * @throws TerminalError `not-found`, also of a deleted model
 */
export async function mustBeThere(
  store: Pick<Store, 'db'>,
  tenant: string,
  model: string,
): Promise<Stored<Model>> {
  const found = await mustRead(store, paths.model(tenant, model), Model, 'model');
  if (found.value.deletedAt !== null)
    throw new TerminalError('not-found', `The model "${found.value.name}" (${model}) is deleted.`, {
      remedy: 'Restore it first; it can be restored until it goes for good.',
    });
  return found;
}

/**
 * The model, where something may begin in it: neither archived nor deleted. Every trigger asks this first: runs,
 * schedules, deployments, discoveries, connection tests.
 * @throws TerminalError `model-archived`; `not-found`, also of a deleted model
 */
export async function mustBeActive(store: Pick<Store, 'db'>, tenant: string, model: string): Promise<Model> {
  const { value } = await mustBeThere(store, tenant, model);
  if (value.status === 'archived')
    throw new TerminalError('model-archived', `The model "${value.name}" (${model}) is archived.`, {
      remedy: 'Unarchive the model before anything new is begun in it.',
    });
  return value;
}
