import { z } from 'zod';
import { EtlCaps, EtlRun, EtlStatus, EtlTable, LoadAgain } from '../etl-run.ts';
import { Overlap, RunTrigger } from '../events.ts';
import { Id } from '../ids.ts';
import { LogPage, LogPageQuery } from '../log.ts';
import { PreflightCheck, TableEstimate } from '../preflight.ts';
import { RejectedRow } from '../rejected-row.ts';
import { SampledTable } from '../sampled-table.ts';
import { contract, listQuery, pageOf } from './contract.ts';

/** The last row left out that a list goes on from. */
const MOST_OFFSET = 1_000_000;
const RUNS = '/api/tenants/{tenant}/models/{model}/etl/runs';

/** Which tables, of those that are enabled: both left out, all of them; both given, what either names. */
const choice = {
  /** Ids of source tables. */
  tables: z.array(Id).min(1).max(500).optional(),
  /** Ids of sources, for all tables of each. */
  sources: z.array(Id).min(1).max(100).optional(),
};

export const startEtl = contract({
  method: 'POST',
  path: RUNS,
  access: 'run',
  rate: 'trigger',
  summary:
    'Load every enabled table, or those named; while a run is active, `overlap` says what happens: `join` answers with it where it loads all that is wanted, and otherwise waits as `queue` does.',
  body: z.strictObject({
    ...choice,
    overlap: Overlap.default('join'),
    caps: EtlCaps.partial().default({}),
    /** Whether all its tables become visible in one moment, or none does; left out: as the model says. */
    together: z.boolean().optional(),
    again: LoadAgain.optional().describe(
      'Read what was loaded before once more; only with `tables`. An active run is never joined then, but refused or waited for.',
    ),
  }),
  /** `created`: false where the answer is a run that was there before: the active one, or the one that waits. */
  answer: EtlRun.extend({ created: z.boolean() }),
  status: 202,
});

export const cancelEtl = contract({
  method: 'POST',
  path: `${RUNS}/{run}/cancel`,
  access: 'run',
  summary: 'End a run that is not over. What it has published stays; the rest is given up.',
  answer: EtlRun,
  status: 202,
});

export const retryEtl = contract({
  method: 'POST',
  path: `${RUNS}/{run}/retry`,
  access: 'run',
  rate: 'trigger',
  summary: 'Load again what failed or was cancelled in a run that is over, and only that.',
  body: z.strictObject({ overlap: Overlap.default('refuse') }),
  answer: EtlRun.extend({ created: z.boolean() }),
  status: 202,
});

export const preflightEtl = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/etl/preflight',
  access: 'run',
  rate: 'trigger',
  summary:
    'What a run would meet, found out before anything is loaded: sources, tables, columns, destinations; and what it will probably take.',
  body: z.strictObject(choice),
  /** `ok`: every check passed. `estimates`: by the tables' order; none where no run can begin. */
  answer: z.object({
    ok: z.boolean(),
    checks: z.array(PreflightCheck),
    estimates: z.array(TableEstimate).default([]),
  }),
});

export const listEtlRuns = contract({
  method: 'GET',
  path: RUNS,
  access: 'read',
  summary: 'ETL runs, newest first.',
  query: listQuery({ status: EtlStatus.optional(), trigger: RunTrigger.optional() }, ['createdAt']).omit({
    deleted: true,
  }),
  answer: pageOf(EtlRun),
});

/** `perTable`: the first 200 by id where there are more (`moreTables`); all of them page by page: listEtlRunTables. */
export const getEtlRun = contract({
  method: 'GET',
  path: `${RUNS}/{run}`,
  access: 'read',
  summary: 'One run with its tables.',
  answer: EtlRun.extend({ perTable: z.array(EtlTable), moreTables: z.boolean() }),
});

export const listEtlRunTables = contract({
  method: 'GET',
  path: `${RUNS}/{run}/tables`,
  access: 'read',
  summary: 'The tables of one run, by name.',
  query: listQuery({ status: EtlStatus.optional() }, ['name', 'createdAt'])
    .omit({ deleted: true })
    .extend({ order: z.enum(['asc', 'desc']).default('asc') }),
  answer: pageOf(EtlTable),
});

/** `next`: the `after` of what follows, also of what is yet to be said; null where nothing has been said at all. */
export const getEtlLogs = contract({
  method: 'GET',
  path: `${RUNS}/{run}/logs`,
  access: 'read',
  summary: 'The run’s log lines in order, page by page.',
  query: LogPageQuery,
  answer: LogPage,
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

export const dryRunEtl = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/etl/dry-run',
  access: 'edit',
  rate: 'trigger',
  summary:
    'Read the first rows of tables as a load would, and show what comes of them: types, rejects, values. Nothing is written, nothing kept.',
  body: z.strictObject({
    tables: z.array(Id).min(1).max(20).optional().describe('Left out: the first 20 that are enabled.'),
    sources: z.array(Id).min(1).max(20).optional(),
    rows: z.int().min(1).max(100).default(20),
  }),
  answer: z.object({ tables: z.array(SampledTable) }),
  // Personal data may be among the values: the answer is remembered for nobody.
  secretAnswer: true,
});

export const listEtlRejects = contract({
  method: 'GET',
  path: `${RUNS}/{run}/tables/{table}/rejects`,
  access: 'read',
  summary:
    'Rows of a table that a run left out, by reason, line and column; their values only for who may edit the model.',
  query: z.strictObject({
    reason: z.string().min(1).max(80).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    offset: z.coerce.number().int().min(0).max(MOST_OFFSET).default(0),
  }),
  /** `counts`: of all rows left out, by reason; `next`: the `offset` of the following page; `values`: whether they are shown. */
  answer: z.object({
    counts: z.record(z.string(), z.number()),
    items: z.array(RejectedRow),
    next: z.number().nullable(),
    values: z.boolean(),
  }),
});
