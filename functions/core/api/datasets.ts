import { z } from 'zod';
import { Dataset, DatasetDefinition } from '../dataset.ts';
import { Difference } from '../differences.ts';
import { Id, Name } from '../ids.ts';
import { editGuard } from '../resource.ts';
import { contract, listQuery, pageOf } from './contract.ts';
import { dependents, search, twoIds } from '../resource-contract.ts';

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
  query: listQuery({ search }, ['createdAt', 'updatedAt', 'name']),
  answer: pageOf(Dataset),
});

export const getDataset = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}',
  access: 'read',
  summary: 'One data set; a deleted one says when that was.',
  answer: Dataset,
});

export const compareDatasets = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/datasets/compare',
  access: 'read',
  summary: 'In what two data sets differ: tables, joins, roles, cleaning.',
  query: twoIds(Id),
  answer: z.object({ differences: z.array(Difference) }),
});

export const updateDataset = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}',
  access: 'edit',
  summary: 'Change parts of a data set: each part given replaces that part, what is left out stays.',
  body: DatasetDefinition.partial().extend(editGuard),
  answer: Dataset,
});

export const cloneDataset = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}/clone',
  access: 'edit',
  summary: 'Make a data set like another one.',
  body: z.strictObject({ name: Name }),
  answer: Dataset,
  status: 201,
});

export const listDatasetDependents = dependents(
  '/api/tenants/{tenant}/models/{model}/datasets/{dataset}/dependents',
  'What uses a data set.',
);

export const deleteDataset = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}',
  access: 'edit',
  summary:
    'Delete a data set; it can be restored for 30 days. Refused while a schedule or an active run uses it.',
  answer: Dataset,
});

export const restoreDataset = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/datasets/{dataset}/restore',
  access: 'edit',
  summary: 'Undo the deletion of a data set.',
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
  rate: 'trigger',
  summary: 'The generated SQL with the bytes it reads and the first lines.',
  answer: z.object({
    sql: z.string(),
    bytes: z.number(),
    rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  }),
});
