import {
  createSource,
  createUpload,
  decideTableDrift,
  deleteSource,
  discoverTables,
  getSource,
  getSourceTable,
  getTableDrift,
  listOutboundAddresses,
  listSourceDependents,
  listSources,
  listSourceTables,
  restoreSource,
  setCredentials,
  updateSource,
  updateSourceTable,
} from '#core/api/sources';
import { paths } from '#core/paths';
import { Source, SourceTable } from '#core/source';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { dependentsOfSource } from '#store/dependents';
import { mustRead, readPage } from '#store/document';
import { mustBeThere } from '#store/model-access';
import type { Store } from '#store/store';
import { discover } from './discover.ts';
import { decideDrift, readDrift } from './drift.ts';
import {
  addSource,
  changeSource,
  removeSource,
  replaceCredentials,
  restoreSource as undelete,
  type SourceKey,
} from './sources.ts';
import { changeTable } from './tables.ts';
import { openUpload } from './uploads.ts';

// A discovery looks at the beginning of every file: few at a time, with room for their buffers.
export const deploy = httpDeploy({ memory: '1Gi', concurrency: 4 });

const read = async (store: Store, { tenant, model, source }: SourceKey): Promise<Source> =>
  (await mustRead(store, paths.source(tenant, model, source), Source, 'source')).value;

export const handler = serve('sources-api', ({ store, config, log }) => [
  route(createSource, ({ params, body, caller, membership }) =>
    addSource(store, config, membership().tenant, params.model, caller.actor, body),
  ),
  route(listSources, ({ params, query }) =>
    readPage(store, paths.sources(params.tenant, params.model), Source, query, { enabled: query.enabled }),
  ),
  route(getSource, ({ params }) => read(store, params)),
  route(updateSource, ({ params, body, caller }) => changeSource(store, config, params, caller.actor, body)),
  route(setCredentials, ({ params, body, caller }) =>
    replaceCredentials(store, config, params, caller.actor, body),
  ),
  route(listSourceDependents, async ({ params }) => {
    await read(store, params);
    return { items: await dependentsOfSource(store, params, params.source) };
  }),
  route(deleteSource, ({ params, query, caller }) =>
    removeSource(store, params, caller.actor, query.forgetCredentials),
  ),
  route(restoreSource, ({ params, caller, membership }) =>
    undelete(store, membership().tenant, params, caller.actor),
  ),
  route(listOutboundAddresses, async ({ params: { tenant, model } }) => {
    await mustBeThere(store, tenant, model);
    return { addresses: [...config.outboundAddresses] };
  }),
  route(createUpload, ({ params, body, origin }) => openUpload(store, config, params, body, origin)),
  route(discoverTables, async ({ params, caller }) => ({
    items: await discover(store, config, log, params, caller.actor),
  })),
  route(listSourceTables, async ({ params, query }) => {
    await read(store, params);
    const { tenant, model, source } = params;
    return readPage(store, paths.sourceTables(tenant, model, source), SourceTable, query, {
      enabled: query.enabled,
      mode: query.mode,
    });
  }),
  route(
    getSourceTable,
    async ({ params: { tenant, model, source, table } }) =>
      (await mustRead(store, paths.sourceTable(tenant, model, source, table), SourceTable, 'table')).value,
  ),
  route(updateSourceTable, ({ params, body, caller }) => changeTable(store, params, caller.actor, body)),
  route(getTableDrift, ({ params, membership }) => readDrift(store, config, membership().tenant, params)),
  route(decideTableDrift, ({ params, body, caller }) => decideDrift(store, params, caller.actor, body)),
]);
