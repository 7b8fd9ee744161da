import { openWarehouse, type Warehouse } from '#cloud/bigquery';
import { type Files, openFiles } from '#cloud/storage';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import type { RunKey } from './run-key.ts';

/** A run with everything that holds what is of it: its documents, staged files and warehouse. */
export interface Place {
  readonly store: Store;
  readonly key: RunKey;
  /** Path of the run's document. */
  readonly path: string;
  readonly tenant: Tenant;
  readonly files: Files;
  readonly warehouse: Warehouse;
  /** The dataset of raw tables. */
  readonly dataset: string;
  /** `gs://<bucket>/<tenant>/<model>/stage/<run>/`. */
  readonly stage: string;
}

/** The place of a run, in its tenant's own cloud. */
export async function openPlace(
  store: Store,
  config: Pick<Config, 'endpoints'>,
  key: RunKey,
): Promise<Place> {
  const tenant = (await mustRead(store, paths.tenant(key.tenant), Tenant, 'tenant')).value;
  const { cloud } = tenant;
  return {
    store,
    key,
    path: paths.etlRun(key.tenant, key.model, key.run),
    tenant,
    files: openFiles(cloud.projectId),
    warehouse: openWarehouse({ ...cloud, endpoints: config.endpoints }),
    dataset: datasetNames(cloud, key.tenant, key.model).raw,
    stage: `gs://${cloud.bucket}/${key.tenant}/${key.model}/stage/${key.run}/`,
  };
}
