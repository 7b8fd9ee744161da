import {
  cloneDataset,
  compareDatasets,
  createDataset,
  deleteDataset,
  getDataset,
  listDatasetDependents,
  listDatasets,
  previewDataset,
  replaceDataset,
  restoreDataset,
  updateDataset,
} from '#core/api/datasets';
import { compareDatasets as compare, Dataset } from '#core/dataset';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { dependentsOfDataset } from '#store/dependents';
import { mustRead, readPage } from '#store/document';
import type { Store } from '#store/store';
import { change, clone, create, type DatasetKey, remove, undelete } from './definitions.ts';
import { preview } from './preview.ts';

export const deploy = httpDeploy();

const read = async (store: Store, { tenant, model, dataset }: DatasetKey): Promise<Dataset> =>
  (await mustRead(store, paths.dataset(tenant, model, dataset), Dataset, 'data set')).value;

export const handler = serve('datasets-api', (here) => [
  route(createDataset, ({ params, body, caller, membership }) =>
    create(here, membership().tenant, params.model, caller.actor, body),
  ),
  route(listDatasets, ({ params, query }) =>
    readPage(here.store, paths.datasets(params.tenant, params.model), Dataset, query),
  ),
  route(compareDatasets, async ({ params, query }) => {
    // In order: of two that are missing it is always the first that is named.
    const left = await read(here.store, { ...params, dataset: query.left });
    const right = await read(here.store, { ...params, dataset: query.right });
    return { differences: compare(left, right) };
  }),
  route(getDataset, ({ params }) => read(here.store, params)),
  route(updateDataset, ({ params, body, caller, membership }) =>
    change(here, membership().tenant, params, caller.actor, body),
  ),
  route(replaceDataset, ({ params, body, caller, membership }) =>
    change(here, membership().tenant, params, caller.actor, body),
  ),
  route(cloneDataset, ({ params, body, caller }) => clone(here.store, params, caller.actor, body.name)),
  route(listDatasetDependents, async ({ params }) => {
    await read(here.store, params);
    return { items: await dependentsOfDataset(here.store, params, params.dataset) };
  }),
  route(deleteDataset, ({ params, caller }) => remove(here.store, params, caller.actor)),
  route(restoreDataset, ({ params, caller }) => undelete(here.store, params, caller.actor)),
  route(previewDataset, ({ params, membership }) =>
    preview(here, membership().tenant, params.model, params.dataset),
  ),
]);
