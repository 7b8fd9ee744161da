import { Dataset, DropReason } from '#core/dataset';
import { TerminalError } from '#core/errors';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { quoteTable } from '#core/sql/quote';
import { mustRead } from '#store/document';
import { readLinesSql } from '#store/raw-tables';
import type { StageContext, StageOutcome, StageWork } from './drive.ts';
import { countLinesSql } from './snapshot-sql.ts';
import { RUN_TABLE_HOURS, runPhases } from './warehouse-jobs.ts';

/** Extraction: the data set's lines as of the run's moment, each judged, into a table of the run; then counted. */
export const extraction: StageWork = { stage: 'extraction', advance };

async function advance(context: StageContext): Promise<StageOutcome> {
  const { ids, run, tenant, warehouse, attempt, deadline, store } = context;
  const { features } = datasetNames(tenant.cloud, ids.tenant, ids.model);
  const lines = { dataset: features, table: `run_${ids.run}_lines` };
  const counts = { dataset: features, table: `run_${ids.run}_counts` };
  const quoted = (ref: { dataset: string; table: string }) =>
    quoteTable(tenant.cloud.projectId, ref.dataset, ref.table);
  const dataset = await mustRead(
    store,
    paths.dataset(ids.tenant, ids.model, run.dataset),
    Dataset,
    'data set',
  );
  const sql = await readLinesSql(warehouse, tenant, ids.model, dataset.value, {
    asOf: run.asOf,
    historyDays: run.settings.extraction.historyDays,
  });
  const jobId = (step: string) => `tw-${ids.run}-${step}-${attempt}`;
  const waiting = await runPhases(
    warehouse,
    [
      [{ id: jobId('extract'), start: (w) => w.startQuery(jobId('extract'), sql, { into: lines }) }],
      [
        {
          id: jobId('count'),
          start: (w) => w.startQuery(jobId('count'), countLinesSql(quoted(lines)), { into: counts }),
        },
      ],
    ],
    deadline,
    store.clock,
  );
  if (waiting !== null)
    return waiting.state === 'running' ? { ...waiting, executor: jobId('extract') } : waiting;
  await Promise.all([lines, counts].map((ref) => warehouse.expireTable(ref, RUN_TABLE_HOURS)));
  const found = toExtraction(await warehouse.query(`SELECT * FROM ${quoted(counts)}`));
  context.log.info(`extraction: ${found.kept} of ${found.lines} lines kept`, found.dropped);
  return { state: 'done', found: { extraction: found }, executor: jobId('extract') };
}

/**
 * The counts by reason as the run keeps them. The hash stands for the kept lines whatever their order.
 * @throws TerminalError `no-lines-left`, saying why each line was left out.
 */
export function toExtraction(rows: readonly Readonly<Record<string, unknown>>[]) {
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
  return { lines, kept, dropped, contentHash };
}
