import { createSource, createUpload, discoverTables, getSource, listSources } from '#core/api/sources';
import { listSourceTables, setCredentials, updateSourceTable } from '#core/api/sources';
import { paths } from '#core/paths';
import { Source, SourceTable } from '#core/source';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readAll, readPage } from '#store/document';
import { discover } from './discover.ts';
import { addSource, replaceCredentials } from './sources.ts';
import { changeTable } from './tables.ts';
import { openUpload } from './uploads.ts';

// A discovery looks at the beginning of every file: few at a time, with room for their buffers.
export const deploy = httpDeploy({ memory: '1Gi', concurrency: 4 });

export const handler = serve('sources-api', ({ store, config, log }) => [
  route(createSource, ({ params, body, caller }) => addSource(store, config, params, caller.uid, body)),
  route(listSources, ({ params, query }) =>
    readPage(store, paths.sources(params.tenant, params.model), Source, query),
  ),
  route(
    getSource,
    async ({ params: { tenant, model, source } }) =>
      (await mustRead(store, paths.source(tenant, model, source), Source, 'source')).value,
  ),
  route(setCredentials, ({ params, body, caller }) =>
    replaceCredentials(store, config, params, caller.uid, body),
  ),
  route(createUpload, ({ params, body, origin }) => openUpload(store, config, params, body, origin)),
  route(discoverTables, async ({ params }) => ({ items: await discover(store, config, log, params) })),
  route(listSourceTables, async ({ params: { tenant, model, source } }) => {
    await mustRead(store, paths.source(tenant, model, source), Source, 'source');
    return { items: await readAll(store, paths.sourceTables(tenant, model, source), SourceTable) };
  }),
  route(updateSourceTable, ({ params, body, caller }) => changeTable(store, params, caller.uid, body)),
]);
