import { z } from 'zod';
import { Name } from '../ids.ts';
import { Model } from '../model.ts';
import { contract, Page, pageOf } from './contract.ts';

export const createModel = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models',
  access: 'edit',
  summary: 'Create a model: a recommendation system with its own sources, runs and deployments.',
  body: z.strictObject({ name: Name, description: z.string().max(500).default('') }),
  answer: Model,
  status: 201,
});

export const listModels = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models',
  access: 'read',
  summary: 'The tenant’s models.',
  query: Page,
  answer: pageOf(Model),
});

export const getModel = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}',
  access: 'read',
  summary: 'One model.',
  answer: Model,
});
