import { getEtlLogs, getEtlRun, listEtlHistory, listEtlRuns, startEtl } from '#core/api/etl';
import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { readRunLog } from '#store/run-log';
import { tableHistory } from './history.ts';
import { runPath } from './run-key.ts';
import { startRun } from './start.ts';
import { tablesOf } from './tables.ts';

export const deploy = httpDeploy();

export const handler = serve('etl-api', ({ store }) => [
  route(startEtl, ({ params, caller }) => startRun(store, params, caller.uid)),
  route(listEtlRuns, ({ params, query }) =>
    readPage(store, paths.etlRuns(params.tenant, params.model), EtlRun, query),
  ),
  route(getEtlRun, async ({ params }) => {
    const run = (await mustRead(store, runPath(params), EtlRun, 'run')).value;
    return { ...run, perTable: await tablesOf(store, params) };
  }),
  route(getEtlLogs, async ({ params }) => {
    await mustRead(store, runPath(params), EtlRun, 'run');
    return { lines: await readRunLog(store, runPath(params)) };
  }),
  route(listEtlHistory, async ({ params, query }) => ({ items: await tableHistory(store, params, query) })),
]);
