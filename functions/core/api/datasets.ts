import { z } from 'zod';
import { Dataset, DatasetDefinition } from '../dataset.ts';
import { contract, Page, pageOf } from './contract.ts';

export const createDataset = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/datasets',
  access: 'edit',
  summary: 'Define a data set: tables, joins, and which columns mean what.',
  body: DatasetDefinition,
  answer: Dataset,
  status: 201,
});

export const listDatasets = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/datasets',
  access: 'read',
  summary: 'The model’s data sets.',
  query: Page,
  answer: pageOf(Dataset),
});

export const getDataset = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}',
  access: 'read',
  summary: 'One data set.',
  answer: Dataset,
});

export const replaceDataset = contract({
  method: 'PUT',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}',
  access: 'edit',
  summary: 'Replace a data set’s definition.',
  body: DatasetDefinition,
  answer: Dataset,
});

/** The SQL the pipeline will run, its cost, and what cleaning would leave out. */
export const previewDataset = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}/preview',
  access: 'read',
  summary: 'The generated SQL with the bytes it reads and the first lines.',
  answer: z.object({
    sql: z.string(),
    bytes: z.number(),
    rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  }),
});
