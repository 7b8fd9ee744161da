import { z } from 'zod';
import { Name } from '../ids.ts';
import { Model, ModelStatus } from '../model.ts';
import { editGuard } from '../resource.ts';
import { contract, listQuery, pageOf } from './contract.ts';
import { dependents, search } from '../resource-contract.ts';

const path = '/api/tenants/{tenant}/models/{model}';

export const createModel = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models',
  access: 'edit',
  summary: 'Create a model: a recommendation system with its own sources, runs and deployments.',
  body: z.strictObject({
    name: Name,
    description: z.string().max(500).default(''),
    requireApproval: z.boolean().default(false),
    publishTogether: z.boolean().default(false),
  }),
  answer: Model,
  status: 201,
});

export const listModels = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models',
  access: 'read',
  summary: 'The tenant’s models.',
  query: listQuery({ status: ModelStatus.optional(), search }, ['createdAt', 'updatedAt', 'name']),
  answer: pageOf(Model),
});

export const getModel = contract({
  method: 'GET',
  path,
  access: 'read',
  summary: 'One model; a deleted one says when that was.',
  answer: Model,
});

export const updateModel = contract({
  method: 'PATCH',
  path,
  access: 'edit',
  summary: 'Change a model’s name, description or options; what is left out stays.',
  body: z.strictObject({
    name: Name.optional(),
    description: z.string().max(500).optional(),
    requireApproval: z.boolean().optional(),
    publishTogether: z.boolean().optional(),
    ...editGuard,
  }),
  answer: Model,
});

export const archiveModel = contract({
  method: 'POST',
  path: `${path}/archive`,
  access: 'edit',
  summary: 'Let nothing new begin in a model; what is deployed goes on answering until it is stopped.',
  answer: Model,
});

export const unarchiveModel = contract({
  method: 'POST',
  path: `${path}/unarchive`,
  access: 'edit',
  summary: 'Take a model out of the archive.',
  answer: Model,
});

export const listModelDependents = dependents(
  `${path}/dependents`,
  'What must end before a model can be deleted.',
);

export const deleteModel = contract({
  method: 'DELETE',
  path,
  access: 'deploy',
  summary:
    'Delete a model with everything below it; it can be restored for 30 days. Refused while a run is active or a deployment answers.',
  answer: Model,
});

export const restoreModel = contract({
  method: 'POST',
  path: `${path}/restore`,
  access: 'deploy',
  summary: 'Undo the deletion of a model.',
  answer: Model,
});
