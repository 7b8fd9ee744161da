import { checkQuota } from '#core/limits';
import type { Model } from '#core/model';
import type { Tenant } from '#core/tenant';
import { dependentsOfModel } from '#store/dependents';
import { restore, softDelete } from '#store/resource';
import type { ModelKey } from '#store/source-access';
import type { Store } from '#store/store';
import { liveModels } from './create.ts';
import { resourceOf } from './edit.ts';

/**
 * Deletes a model with everything below it, to be restored until it is purged. Its schedules stay as they are and start
 * nothing meanwhile.
 * @throws TerminalError `in-use` while a run is active, or a deployment is on its way or answers
 */
export function remove(store: Store, key: ModelKey, actor: string): Promise<Model> {
  return softDelete(store, resourceOf(key), { tenant: key.tenant, actor }, (model) =>
    dependentsOfModel(store, key.tenant, model),
  );
}

/** Undoes a deletion. @throws TerminalError `not-found` once the model is purged; `quota-exceeded` */
export function undelete(store: Store, tenant: Tenant, key: ModelKey, actor: string): Promise<Model> {
  return restore(store, resourceOf(key), { tenant: key.tenant, actor }, async () =>
    checkQuota(tenant, 'models', await liveModels(store, tenant.id)),
  );
}
