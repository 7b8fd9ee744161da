import { createModel, getModel, listModels } from '#core/api/models';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { create } from './create.ts';

export const deploy = httpDeploy();

export const handler = serve('models-api', ({ store, config }) => [
  route(createModel, ({ body, caller, membership }) =>
    create(store, config.endpoints, membership().tenant, caller.uid, body),
  ),
  route(listModels, ({ params, query }) => readPage(store, paths.models(params.tenant), Model, query)),
  route(
    getModel,
    async ({ params }) =>
      (await mustRead(store, paths.model(params.tenant, params.model), Model, 'model')).value,
  ),
]);
