import type { TableRef } from '#cloud/bigquery';
import { changesOf, type ChangeReason, Dataset, type DatasetDefinition, DropReason } from '#core/dataset';
import { TerminalError } from '#core/errors';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { quoteTable } from '#core/sql/quote';
import type { Tenant } from '#core/tenant';
import { mustRead } from '#store/document';
import { readLinesSql } from '#store/raw-tables';
import { estimateRun, overCaps } from './estimate.ts';
import type { RunIds, StageContext, StageOutcome, StageWork } from './run-context.ts';
import { countLinesSql } from './snapshot-sql.ts';
import { RUN_TABLE_HOURS, runPhases, scannedBy, stopJobs } from './warehouse-jobs.ts';

/** Extraction: the data set's lines as of the run's moment, each judged, into a table of the run; then counted. */
export const extraction: StageWork = {
  stage: 'extraction',
  advance,
  stop: (context) => stopJobs(context.warehouse, jobsOf(context), [lineTable(context), countTable(context)]),
  spent: (context) => scannedBy(context.warehouse, jobsOf(context)),
};

/** The table of the lines that a run extracted. */
export function linesOf(tenant: Tenant, ids: RunIds): TableRef {
  return {
    dataset: datasetNames(tenant.cloud, ids.tenant, ids.model).features,
    table: `run_${ids.run}_lines`,
  };
}

const lineTable = ({ tenant, ids }: StageContext) => linesOf(tenant, ids);
const countTable = (context: StageContext) => ({
  ...lineTable(context),
  table: `run_${context.ids.run}_counts`,
});
const jobId = ({ ids, attempt }: StageContext, step: 'extract' | 'count') =>
  `tw-${ids.run}-${step}-${attempt}`;
const jobsOf = (context: StageContext) => [jobId(context, 'extract'), jobId(context, 'count')];

async function advance(context: StageContext): Promise<StageOutcome> {
  const { ids, run, tenant, warehouse, deadline, signal, store } = context;
  const lines = lineTable(context);
  const counts = countTable(context);
  const quoted = (ref: TableRef) => quoteTable(tenant.cloud.projectId, ref.dataset, ref.table);
  const extract = jobId(context, 'extract');
  const count = jobId(context, 'count');
  const definition = await definitionOf(context);
  const changes = changesOf(definition.cleaning);
  const sql = await readLinesSql(warehouse, tenant, ids.model, definition, {
    asOf: run.asOf,
    historyDays: run.settings.extraction.historyDays,
  });
  if (run.stages.extraction.executor === null) {
    const estimate = estimateRun(await warehouse.dryRun(sql), run.settings.training);
    const refused = overCaps(estimate, run.settings.caps);
    if (refused !== null) return { state: 'failed', failure: refused };
  }
  const waiting = await runPhases(
    warehouse,
    [
      [{ id: extract, start: (w) => w.startQuery(extract, sql, { into: lines }) }],
      [
        {
          id: count,
          start: (w) => w.startQuery(count, countLinesSql(quoted(lines), changes), { into: counts }),
        },
      ],
    ],
    { deadline, signal, clock: store.clock },
  );
  if (waiting !== null) return waiting.state === 'running' ? { ...waiting, executor: extract } : waiting;
  await Promise.all([lines, counts].map((ref) => warehouse.expireTable(ref, RUN_TABLE_HOURS)));
  const found = toExtraction(await warehouse.query(`SELECT * FROM ${quoted(counts)}`), changes);
  context.log.info(`extraction: ${found.kept} of ${found.lines} lines kept`, found.dropped);
  return { state: 'done', found: { extraction: found }, executor: extract };
}

/** The data set as it was when the run was asked for. */
async function definitionOf({ run, ids, store }: StageContext): Promise<DatasetDefinition> {
  if (run.definition !== null) return run.definition;
  const path = paths.dataset(ids.tenant, ids.model, run.dataset);
  return (await mustRead(store, path, Dataset, 'data set')).value;
}

/**
 * The counts by reason as the run keeps them; `changed` are kept lines. The hash stands for the kept lines whatever their order.
 * @throws TerminalError `no-lines-left`, saying why each line was left out.
 */
export function toExtraction(
  rows: readonly Readonly<Record<string, unknown>>[],
  changes: readonly ChangeReason[] = [],
) {
  const changed: Partial<Record<ChangeReason, number>> = {};
  const dropped: Partial<Record<DropReason, number>> = {};
  let kept = 0;
  let contentHash = '';
  let lines = 0;
  for (const row of rows) {
    const n = Number(row['n']);
    lines += n;
    const reason = DropReason.nullable().parse(row['drop_reason'] ?? null);
    if (reason === null) {
      kept = n;
      changes.forEach((change, at) => (changed[change] = Number(row[`changed_${at}`] ?? 0)));
      contentHash = `${n}-${String(row['mixed'])}-${String(row['summed'])}`;
    } else dropped[reason] = n;
  }
  if (kept === 0) {
    const why = Object.entries(dropped).map(([reason, n]) => `${n} ${reason}`);
    throw new TerminalError(
      'no-lines-left',
      lines === 0
        ? 'The data set’s first table has no rows.'
        : `None of ${lines} lines is left after cleaning: ${why.join(', ')}.`,
      {
        remedy:
          lines === 0
            ? 'Load its table by an ETL run.'
            : 'Check which columns mean what, and what cleaning leaves out.',
      },
    );
  }
  return { lines, kept, dropped, changed, contentHash };
}
