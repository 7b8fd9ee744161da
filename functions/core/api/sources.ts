import { z } from 'zod';
import { ColumnChange, DriftPolicy, Proposal } from '../drift.ts';
import { Id, Name } from '../ids.ts';
import { editGuard } from '../resource.ts';
import { Credentials, Deletes, LoadMode, NewPlace, Source, SourceSettings, SourceTable } from '../source.ts';
import { contract, listQuery, pageOf } from './contract.ts';
import { dependents, either, flag, search } from '../resource-contract.ts';

export const createSource = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/sources',
  access: 'edit',
  summary: 'Add a source. Credentials are sealed and never returned.',
  body: z.strictObject({ name: Name, settings: SourceSettings, credentials: Credentials.optional() }),
  answer: Source.extend({
    /** Other sources of the model that read the same database or one of the same files. */
    sameAs: z.array(Id).default([]),
  }),
  status: 201,
});

export const listSources = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources',
  access: 'read',
  summary: 'The model’s sources.',
  query: listQuery({ enabled: either, search }, ['createdAt', 'updatedAt', 'name']),
  answer: pageOf(Source),
});

export const getSource = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}',
  access: 'read',
  summary: 'One source; a deleted one says when that was.',
  answer: Source,
});

export const updateSource = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}',
  access: 'edit',
  summary:
    'Change a source; its kind stays. Credentials are for one host, port, database and user: where these change they are forgotten, unless new ones are sent along.',
  body: z.strictObject({
    name: Name.optional(),
    enabled: z.boolean().optional().describe('Where not, its tables are left out of runs.'),
    settings: SourceSettings.optional(),
    credentials: Credentials.optional(),
    ...editGuard,
  }),
  answer: Source,
});

export const listSourceDependents = dependents(
  '/api/tenants/{tenant}/models/{model}/sources/{source}/dependents',
  'What uses a source’s tables.',
);

export const deleteSource = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}',
  access: 'edit',
  summary:
    'Delete a source; it can be restored for 30 days, then its credentials and loaded tables go. Refused while a data set or an active run uses it.',
  query: z.strictObject({
    forgetCredentials: flag.describe('Forget the credentials at once: restored, it needs new ones.'),
  }),
  answer: Source,
});

export const restoreSource = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/restore',
  access: 'edit',
  summary: 'Undo the deletion of a source.',
  answer: Source,
});

export const setCredentials = contract({
  method: 'PUT',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/credentials',
  access: 'edit',
  summary:
    'Replace a source’s credentials (write-only). What of an SSH tunnel or a Cloud SQL key is left out stays as it was; `"ssh": {}` and `"key": null` forget it.',
  body: Credentials,
  answer: Source,
});

export const listOutboundAddresses = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/outbound-addresses',
  access: 'read',
  summary:
    'From where this installation connects to databases and files, to be let in by their firewalls; none where the operator has not said.',
  answer: z.object({ addresses: z.array(z.string()) }),
});

/** A place to PUT a file: send the bytes to `url` with `headers`, then name `uri` in a CSV source. */
export const createUpload = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/uploads',
  access: 'edit',
  secretAnswer: true,
  summary: 'Ask for an address to upload a file to.',
  body: z.strictObject({
    fileName: z
      .string()
      .min(1)
      .max(200)
      .regex(/^(?!\.{1,2}$)[^/\\\u0000-\u001f\u007f]+$/, 'must be a file name without a path')
      .refine((name) => name.isWellFormed(), 'must be text of whole characters'),
    bytes: z.int().min(1).max(5_000_000_000),
  }),
  answer: z.object({
    uri: z.string(),
    method: z.literal('PUT'),
    url: z.url(),
    headers: z.record(z.string(), z.string()),
  }),
  status: 201,
});

export const discoverTables = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/discover',
  access: 'edit',
  rate: 'trigger',
  summary: 'Read the source’s schema and store its tables; tables known before keep their settings.',
  answer: z.object({ items: z.array(SourceTable) }),
});

export const listSourceTables = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/tables',
  access: 'read',
  summary: 'The source’s tables as last discovered, by name.',
  query: listQuery({ enabled: either, mode: LoadMode.optional(), search }, ['name', 'discoveredAt'])
    .omit({ deleted: true })
    .extend({ order: z.enum(['asc', 'desc']).default('asc') }),
  answer: pageOf(SourceTable),
});

export const getSourceTable = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/tables/{table}',
  access: 'read',
  summary: 'One table of a source.',
  answer: SourceTable,
});

export const updateSourceTable = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/tables/{table}',
  access: 'edit',
  summary: 'Choose whether and how a table is loaded.',
  body: z.strictObject({
    enabled: z.boolean().optional(),
    mode: LoadMode.optional(),
    cursor: z.string().nullable().optional(),
    excluded: SourceTable.shape.excluded
      .unwrap()
      .optional()
      .describe(
        'Columns that are not loaded from now on. In a merged table they are null in every row from the next load on; rows that were appended keep theirs.',
      ),
    mergeKey: SourceTable.shape.mergeKey
      .unwrap()
      .optional()
      .describe('Columns that tell rows apart in mode `merge`; null: the primary key.'),
    deletes: Deletes.optional().describe(
      'Merging: rows that the source has no more stay, or are marked and seen by no data set.',
    ),
    sweepHours: SourceTable.shape.sweepHours
      .unwrap()
      .optional()
      .describe(
        'Merging by a cursor: the keys of all rows are read to find deleted ones, where that was not done for so many hours; 0: at each load.',
      ),
    startFrom: SourceTable.shape.startFrom
      .unwrap()
      .optional()
      .describe('Rows whose cursor is below this are never read. Another value begins the table anew.'),
    filter: SourceTable.shape.filter
      .unwrap()
      .optional()
      .describe('Which rows are loaded. Another filter begins the table anew.'),
    rowLimit: SourceTable.shape.rowLimit
      .unwrap()
      .optional()
      .describe('A sample: at most so many rows, replaced at each load.'),
    hashed: SourceTable.shape.hashed
      .unwrap()
      .optional()
      .describe(
        'Columns that arrive as keyed hashes, as text. Another choice begins the table anew, by replacing what is there.',
      ),
    misfits: SourceTable.shape.misfits
      .unwrap()
      .optional()
      .describe(
        'Columns in which a value that the warehouse’s type cannot hold costs no row: it is left out and counted (`null`), or the whole column arrives as text (`text`; another type, so a change of the table). In every other column its row is rejected.',
      ),
    deleteLimit: SourceTable.shape.deleteLimit
      .unwrap()
      .optional()
      .describe('The share of the table’s rows that one load may mark as deleted; more fail it.'),
    rejectLimit: z.number().min(0).max(1).optional(),
    moved: NewPlace.optional().describe(
      'Answers the question of `moved` in the table: what is at the new place is the same data, or other data.',
    ),
    drift: DriftPolicy.optional().describe(
      'Where the table has changed in its source: take over what loses nothing, new columns only, or nothing without being asked. What is not taken over fails the table and is proposed.',
    ),
    ...editGuard,
  }),
  answer: SourceTable.extend({
    remarks: z
      .array(z.string())
      .default([])
      .describe('What the change does not do by itself, and how to have it done.'),
  }),
});

/** What uses a column that has changed, and how it fares. */
export const Affected = z.object({
  kind: z.enum([
    'merge-key',
    'cursor',
    'filter',
    'hash',
    'dataset',
    'schedule',
    'pipeline-config',
    'version',
    'deployment',
  ]),
  /** Of a noun; null of a setting of the table itself. */
  id: Id.nullable(),
  /** As people know it. */
  name: z.string(),
  /** Columns that have changed, each with what it is to whatever uses it: `qty (quantity)`. */
  columns: z.array(z.string()),
  /** Whether it goes on with the change. A data set that does not stays on the version of the raw table that there is. */
  works: z.boolean(),
  /** What becomes of it, one sentence. */
  note: z.string(),
});
export type Affected = z.infer<typeof Affected>;

export const getTableDrift = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/tables/{table}/drift',
  access: 'read',
  summary:
    'How a table, as it was described last, differs from what was loaded last; what of that the next load applies, and what depends on it.',
  answer: z.object({
    changes: z.array(ColumnChange),
    /** Those that no load applies unless the proposal is accepted. */
    proposal: Proposal.nullable(),
    affected: z.array(Affected),
  }),
});

export const decideTableDrift = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/tables/{table}/drift/decision',
  access: 'edit',
  summary:
    'Accept what is proposed about a changed table, or keep its raw table as it is. The next load applies what was accepted; until then it can be decided otherwise.',
  body: z.strictObject({
    proposal: z
      .string()
      .max(100)
      .describe('The id of the proposal that was seen: another one is not decided by it.'),
    decision: z.enum(['accept', 'keep']),
  }),
  answer: SourceTable,
});
