import {
  archiveModel,
  createModel,
  deleteModel,
  getModel,
  listModelDependents,
  listModels,
  restoreModel,
  unarchiveModel,
  updateModel,
} from '#core/api/models';
import { TerminalError } from '#core/errors';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { dependentsOfModel } from '#store/dependents';
import { mustRead, readPage } from '#store/document';
import { create } from './create.ts';
import { remove, undelete } from './delete.ts';
import { archive, change, unarchive } from './edit.ts';

export const deploy = httpDeploy();

export const handler = serve('models-api', ({ store, config }) => [
  route(createModel, ({ body, caller, membership }) =>
    create(store, config.endpoints, membership().tenant, caller.actor, body),
  ),
  route(listModels, ({ params, query }) =>
    readPage(store, paths.models(params.tenant), Model, query, { status: query.status }),
  ),
  route(
    getModel,
    async ({ params }) =>
      (await mustRead(store, paths.model(params.tenant, params.model), Model, 'model')).value,
  ),
  route(updateModel, ({ params, body, caller, may }) => {
    // Who cannot deploy must not open the way for what is deployed by itself.
    if (body.requireApproval !== undefined && !may('deploy'))
      throw new TerminalError('forbidden', 'Whether versions need approval is for who may deploy.', {
        remedy: 'Leave requireApproval out, or use a key with the scope deploy.',
      });
    return change(store, params, caller.actor, body);
  }),
  route(archiveModel, ({ params, caller }) => archive(store, params, caller.actor)),
  route(unarchiveModel, ({ params, caller }) => unarchive(store, params, caller.actor)),
  route(listModelDependents, async ({ params: { tenant, model } }) => {
    await mustRead(store, paths.model(tenant, model), Model, 'model');
    return { items: await dependentsOfModel(store, tenant, { id: model }) };
  }),
  route(deleteModel, ({ params, caller }) => remove(store, params, caller.actor)),
  route(restoreModel, ({ params, caller, membership }) =>
    undelete(store, membership().tenant, params, caller.actor),
  ),
]);
