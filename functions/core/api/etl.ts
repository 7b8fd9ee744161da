import { z } from 'zod';
import { EtlRun, EtlTable } from '../etl-run.ts';
import { Id } from '../ids.ts';
import { LogLine } from '../log.ts';
import { contract, Page, pageOf } from './contract.ts';

export const startEtl = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/etl/runs',
  access: 'run',
  summary: 'Load every enabled table; while a run is active its own record is the answer.',
  answer: EtlRun,
  status: 202,
});

export const listEtlRuns = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/etl/runs',
  access: 'read',
  summary: 'ETL runs, newest first.',
  query: Page,
  answer: pageOf(EtlRun),
});

export const getEtlRun = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/etl/runs/{run}',
  access: 'read',
  summary: 'One run with its tables.',
  answer: EtlRun.extend({ perTable: z.array(EtlTable) }),
});

export const getEtlLogs = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/etl/runs/{run}/logs',
  access: 'read',
  summary: 'The run’s log lines in order.',
  answer: z.object({ lines: z.array(LogLine) }),
});

/** What each run did to one table, newest first. */
export const listEtlHistory = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/etl/history',
  access: 'read',
  summary: 'The history of a source’s tables.',
  query: z.strictObject({
    source: Id,
    table: Id.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  answer: z.object({ items: z.array(EtlTable) }),
});
