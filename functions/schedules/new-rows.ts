import { z } from 'zod';
import { EtlRun, EtlTable, WHOLE_READ } from '#core/etl-run';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { readAll, read } from '#store/document';
import type { Store } from '#store/store';

/** Runs looked through, newest first: what lies further back than a hundred loads is no news. */
const RUNS = 100;

/** Of a data set, what matters here: the tables it reads. */
const Reading = z.object({ tables: z.array(z.object({ destination: z.string() })) });

/** A table as one load left it. */
export type LoadedTable = Pick<
  EtlTable,
  'destination' | 'mode' | 'counts' | 'status' | 'watermark' | 'added'
>;

/**
 * Rows that the tables `destinations` have more than before, as the loads have counted it (a row that a merge changed is not
 * new). Where one did not, a table that is read as a whole each time has brought what it holds more
 * than before; one that is added to, all that came. Pure.
 * @param loads newest first, each with its tables
 * @param since the number of `loads` that are news; those after them are what was there before
 */
export function countNewRows(
  loads: readonly (readonly LoadedTable[])[],
  since: number,
  destinations: ReadonlySet<string>,
): number {
  let total = 0;
  for (const destination of destinations) {
    const history = loads.map((tables) =>
      tables.find((table) => table.destination === destination && table.status === 'succeeded'),
    );
    const news = history.slice(0, since).filter((table) => table !== undefined);
    const [newest] = news;
    if (newest === undefined) continue;
    if (news.every(({ added }) => added !== null))
      total += Math.max(
        0,
        news.reduce((sum, table) => sum + (table.added ?? 0), 0),
      );
    else if (newest.mode === 'replace' || newest.watermark === WHOLE_READ) {
      const before = history.slice(since).find((table) => table !== undefined);
      total += Math.max(0, newest.counts.rows - (before?.counts.rows ?? 0));
    } else total += news.reduce((sum, table) => sum + table.counts.rows, 0);
  }
  return total;
}

/**
 * How far into the data the pipeline runs over `dataset` have seen, failed and cancelled ones apart; null where none has. A
 * run that repeats another on its outputs is newer and sees no further. Pure.
 */
export function latestSeen(
  runs: readonly Pick<PipelineRun, 'dataset' | 'status' | 'asOf'>[],
  dataset: string,
): string | null {
  const seen = runs
    .filter((run) => run.dataset === dataset && run.status !== 'failed' && run.status !== 'cancelled')
    .map(({ asOf }) => asOf);
  return seen.toSorted().at(-1) ?? null;
}

/** Whether a load that is over has published something: one that failed or was cancelled in the end may have. */
export function broughtRows({ status, finishedAt, counts }: EtlRun): boolean {
  return finishedAt !== null && (status === 'succeeded' || status === 'partial' || counts.rows > 0);
}

/** Rows in a data set's tables that the last pipeline run over it (failed and cancelled ones apart) could not see. */
export async function newRows(store: Store, tenant: string, model: string, dataset: string): Promise<number> {
  const found = await read(store, paths.dataset(tenant, model, dataset), Reading);
  if (found === null) return 0;
  const newest = { orderBy: ['createdAt', 'desc'], limit: RUNS } as const;
  const [pipelines, etl] = await Promise.all([
    readAll(store, paths.pipelineRuns(tenant, model), PipelineRun, newest),
    readAll(store, paths.etlRuns(tenant, model), EtlRun, newest),
  ]);
  const last = latestSeen(pipelines, dataset);
  const loads = etl.filter(broughtRows);
  const news = loads.filter((run) => last === null || (run.finishedAt ?? '') > last).length;
  const tables = [];
  // Beyond the news, only what tells how large a replaced table was before.
  for (const run of loads.slice(0, news + 5))
    tables.push(await readAll(store, paths.etlTables(tenant, model, run.id), EtlTable));
  return countNewRows(tables, news, new Set(found.value.tables.map((table) => table.destination)));
}
