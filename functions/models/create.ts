import { openWarehouse } from '#cloud/bigquery';
import { datasetNames, type Model } from '#core/model';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { commitChange, makeId, now, type Store } from '#store/store';

/**
 * A new model with its three warehouse datasets. They come first: a model that exists has somewhere to load to, and an
 * empty dataset without a model costs nothing.
 */
export async function create(
  store: Store,
  endpoints: Config['endpoints'],
  tenant: Tenant,
  actor: string,
  wanted: { readonly name: string; readonly description: string },
): Promise<Model> {
  const id = makeId(store, 'm');
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints });
  const datasets = datasetNames(tenant.cloud, tenant.id, id);
  await Promise.all(Object.values(datasets).map((dataset) => warehouse.ensureDataset(dataset)));
  const model: Model = { id, ...wanted, status: 'draft', createdAt: now(store), liveDeployment: null };
  const path = paths.model(tenant.id, id);
  await commitChange(store, {
    writes: [{ kind: 'create', path, data: model }],
    audit: { tenant: tenant.id, actor, action: 'model.create', target: path },
  });
  return model;
}
