import { getConnectionTest, listConnectionTests, startConnectionTest } from '#core/api/connection-tests';
import { ConnectionTest } from '#core/connection-test';
import { paths } from '#core/paths';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { startTest } from './start.ts';

export const deploy = httpDeploy();

export const handler = serve('connection-tests-api', ({ store }) => [
  route(startConnectionTest, ({ params, body, caller }) =>
    startTest(store, params, caller.actor, body.source),
  ),
  route(listConnectionTests, ({ params, query }) => {
    const { source, status } = query;
    const tests = paths.connectionTests(params.tenant, params.model);
    return readPage(store, tests, ConnectionTest, query, { source, status });
  }),
  route(getConnectionTest, async ({ params: { tenant, model, test } }) => {
    const path = paths.connectionTest(tenant, model, test);
    return (await mustRead(store, path, ConnectionTest, 'connection test')).value;
  }),
]);
