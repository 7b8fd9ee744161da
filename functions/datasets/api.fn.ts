import { createDataset, getDataset, listDatasets, previewDataset, replaceDataset } from '#core/api/datasets';
import { Dataset } from '#core/dataset';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { create, replace } from './definitions.ts';
import { preview } from './preview.ts';

export const deploy = httpDeploy();

export const handler = serve('datasets-api', (here) => [
  route(createDataset, (call) =>
    create(here, call.membership().tenant, call.params.model, call.caller.uid, call.body),
  ),
  route(listDatasets, ({ params, query }) =>
    readPage(here.store, paths.datasets(params.tenant, params.model), Dataset, query),
  ),
  route(
    getDataset,
    async ({ params: { tenant, model, dataset } }) =>
      (await mustRead(here.store, paths.dataset(tenant, model, dataset), Dataset, 'data set')).value,
  ),
  route(replaceDataset, (call) =>
    replace(
      here,
      call.membership().tenant,
      call.params.model,
      call.params.dataset,
      call.caller.uid,
      call.body,
    ),
  ),
  route(previewDataset, (call) =>
    preview(here, call.membership().tenant, call.params.model, call.params.dataset),
  ),
]);
