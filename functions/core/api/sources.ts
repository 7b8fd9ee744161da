import { z } from 'zod';
import { Name } from '../ids.ts';
import { Credentials, LoadMode, Source, SourceSettings, SourceTable } from '../source.ts';
import { contract, Page, pageOf } from './contract.ts';

export const createSource = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/sources',
  access: 'edit',
  summary: 'Add a source. Credentials are sealed and never returned.',
  body: z.strictObject({ name: Name, settings: SourceSettings, credentials: Credentials.optional() }),
  answer: Source,
  status: 201,
});

export const listSources = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources',
  access: 'read',
  summary: 'The model’s sources.',
  query: Page,
  answer: pageOf(Source),
});

export const getSource = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}',
  access: 'read',
  summary: 'One source.',
  answer: Source,
});

export const setCredentials = contract({
  method: 'PUT',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/credentials',
  access: 'edit',
  summary: 'Replace a source’s credentials (write-only).',
  body: Credentials,
  answer: Source,
});

/** A place to PUT a file: send the bytes to `url` with `headers`, then name `uri` in a CSV source. */
export const createUpload = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/uploads',
  access: 'edit',
  summary: 'Ask for an address to upload a file to.',
  body: z.strictObject({
    fileName: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[^/\\\u0000-\u001f]+$/, 'must be a file name without a path'),
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
  summary: 'Read the source’s schema and store its tables; tables known before keep their settings.',
  answer: z.object({ items: z.array(SourceTable) }),
});

export const listSourceTables = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/sources/{source}/tables',
  access: 'read',
  summary: 'The source’s tables as last discovered.',
  answer: z.object({ items: z.array(SourceTable) }),
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
    rejectLimit: z.number().min(0).max(1).optional(),
  }),
  answer: SourceTable,
});
