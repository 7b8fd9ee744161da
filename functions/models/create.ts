import { openWarehouse } from '#cloud/bigquery';
import { checkQuota } from '#core/limits';
import { datasetNames, Model } from '#core/model';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { create as createDocument } from '#store/document';
import { makeId, now, type Store } from '#store/store';

/** Models of the tenant that are not deleted. */
export function liveModels(store: Store, tenant: string): Promise<number> {
  return store.db.count(paths.models(tenant), { where: [['deletedAt', '==', null]] });
}

/**
 * A new model with its three warehouse datasets. They come first: a model that exists has somewhere to load to, and an
 * empty dataset without a model costs nothing.
 * @throws TerminalError `quota-exceeded`
 */
export async function create(
  store: Store,
  endpoints: Config['endpoints'],
  tenant: Tenant,
  actor: string,
  wanted: Pick<Model, 'name' | 'description' | 'requireApproval' | 'publishTogether'>,
): Promise<Model> {
  checkQuota(tenant, 'models', await liveModels(store, tenant.id));
  const id = makeId(store, 'm');
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints });
  const datasets = datasetNames(tenant.cloud, tenant.id, id);
  await Promise.all(Object.values(datasets).map((dataset) => warehouse.ensureDataset(dataset)));
  const at = now(store);
  const model: Model = {
    id,
    ...wanted,
    status: 'draft',
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
    liveDeployment: null,
    traffic: [],
  };
  const path = paths.model(tenant.id, id);
  return createDocument(store, path, Model, model, {
    audit: { tenant: tenant.id, actor, action: 'model.create', target: path },
  });
}
