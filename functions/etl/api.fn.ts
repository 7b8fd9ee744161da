import * as api from '#core/api/etl';
import { EtlRun, EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readAll, readPage } from '#store/document';
import { readRunLogPage } from '#store/run-log';
import { cancelRun } from './cancel.ts';
import { dryRun } from './dry-run.ts';
import { tableHistory } from './history.ts';
import { preflight } from './preflight.ts';
import { readRejects } from './read-rejects.ts';
import { retryRun } from './retry.ts';
import { runPath } from './run-key.ts';
import { startRun } from './start.ts';

// A preflight looks at the beginning of files, as a discovery does: few at a time, with room for their buffers.
export const deploy = httpDeploy({ memory: '1Gi', concurrency: 8 });

/** Tables that come with a run; all of them page by page. */
const TABLES_SHOWN = 200;

const triggerOf = ({ kind }: { readonly kind: string }) => (kind === 'key' ? 'key' : 'person');

export const handler = serve('etl-api', ({ store, config }) => [
  route(api.startEtl, ({ params, body, caller }) =>
    startRun(store, params, { ...body, actor: caller.actor, trigger: triggerOf(caller) }),
  ),
  route(api.cancelEtl, ({ params, caller }) => cancelRun(store, params, caller.actor)),
  route(api.retryEtl, ({ params, body, caller }) =>
    retryRun(store, params, { ...body, actor: caller.actor, trigger: triggerOf(caller) }),
  ),
  route(api.preflightEtl, ({ params, body }) => preflight(store, config, params, body)),
  route(api.dryRunEtl, ({ params, body }) => dryRun(store, config, params, body)),
  route(api.listEtlRuns, ({ params, query }) => {
    const { status, trigger } = query;
    return readPage(store, paths.etlRuns(params.tenant, params.model), EtlRun, query, { status, trigger });
  }),
  route(api.getEtlRun, async ({ params }) => {
    const run = (await mustRead(store, runPath(params), EtlRun, 'run')).value;
    const limit = TABLES_SHOWN + 1;
    const found = await readAll(store, paths.etlTables(params.tenant, params.model, params.run), EtlTable, {
      limit,
    });
    const perTable = found.slice(0, TABLES_SHOWN).sort((a, b) => (a.name < b.name ? -1 : 1));
    return { ...run, perTable, moreTables: found.length === limit };
  }),
  route(api.listEtlRunTables, async ({ params, query }) => {
    await mustRead(store, runPath(params), EtlRun, 'run');
    const tables = paths.etlTables(params.tenant, params.model, params.run);
    return readPage(store, tables, EtlTable, query, { status: query.status });
  }),
  route(api.listEtlRejects, ({ params, query, may }) =>
    readRejects(store, config, params, { ...query, table: params.table }, may('edit')),
  ),
  route(api.getEtlLogs, async ({ params, query }) => {
    await mustRead(store, runPath(params), EtlRun, 'run');
    return readRunLogPage(store, runPath(params), query);
  }),
  route(api.listEtlHistory, async ({ params, query }) => ({
    items: await tableHistory(store, params, query),
  })),
]);
